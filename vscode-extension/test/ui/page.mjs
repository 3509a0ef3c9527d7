/** VS Code in a browser, as a person uses it. Every wait has an end; none is a sleep. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { until } from './setup.mjs';

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
FLAGS.push('--disable-background-networking', '--disable-component-update', '--disable-sync');
FLAGS.push('--disable-dev-shm-usage');

/** A browser on this machine; undefined if there is none. */
export function findBrowser() {
  return process.env.COKERNEL_BROWSER ?? BROWSERS.find((each) => existsSync(each));
}

export async function openWorkbench(server, folder, options = {}) {
  const browser = await chromium.launch({ executablePath: findBrowser(), args: FLAGS });
  try {
    return new Workbench(browser, await openPage(browser, server, folder, options));
  } catch (error) {
    await browser.close();
    throw error;
  }
}

async function openPage(browser, server, folder, options) {
  const { width = 1280, height = 860, scale = 1, payload } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    deviceScaleFactor: scale,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const address = new URL(server.url);
  address.searchParams.set('folder', folder);
  if (payload) address.searchParams.set('payload', JSON.stringify(payload));
  await page.goto(address.href);
  await page.waitForSelector('.monaco-workbench');
  await page.waitForSelector('.part.sidebar .monaco-list-row');
  return page;
}

export class Workbench {
  constructor(browser, page) {
    this.browser = browser;
    this.page = page;
  }

  async close() {
    await this.browser.close();
  }

  async command(title) {
    for (let tries = 1; !(await this.#findsCommand(title)); tries++) {
      if (tries === 12) throw new Error(`There is no command ${title}.`);
      await this.page.keyboard.press('Escape');
    }
    await this.page.keyboard.press('Enter');
  }

  /** The palette lists what was known when it opened: commands of extensions come a moment after the window. */
  async #findsCommand(title) {
    await this.page.keyboard.press('F1');
    const input = this.page.locator('.quick-input-widget:visible input').first();
    await input.waitFor();
    await input.fill(`>${title}`);
    const row = this.quickRow(title).first();
    return row.waitFor({ timeout: 5000 }).then(
      () => true,
      () => false,
    );
  }

  quickRow(text) {
    return this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: text });
  }

  async open(file) {
    await this.page.keyboard.press('Control+P');
    const input = this.page.locator('.quick-input-widget:visible input').first();
    await input.waitFor();
    await input.fill(file);
    await this.quickRow(file).first().click();
  }

  async openNotebook(file) {
    await this.open(file);
    await this.cell(0).waitFor();
    // The toolbar shows the kernel once the notebook has one.
    const kernel = this.page.locator('.kernel-label:visible').filter({ hasText: 'Python 3' });
    await kernel.first().waitFor();
  }

  /** A code cell of the notebook in front. */
  cell(index) {
    const cells = this.page.locator('.notebookOverlay:visible .monaco-list-row.code-cell-row');
    return cells.nth(index);
  }

  async runCell(index) {
    await this.startCell(index);
    await this.cell(index).locator('.codicon-notebook-state-success').waitFor();
  }

  async startCell(index) {
    await this.cell(index).hover();
    await this.cell(index)
      .locator('.run-button-container .codicon-notebook-execute')
      .first()
      .click();
  }

  dialog(text) {
    return this.page.locator('.monaco-dialog-box').filter({ hasText: text });
  }

  async answerDialog(text, button) {
    const dialog = this.dialog(text);
    await dialog.locator('.monaco-button').filter({ hasText: button }).first().click();
    await dialog.waitFor({ state: 'detached' });
  }

  get status() {
    return this.page.locator('[id="cokernel.share-kernel-with-claude.status"]');
  }

  /** Waits until the status bar item says so. */
  async statusSays(text) {
    await this.status.filter({ hasText: text }).waitFor();
  }

  /** A row of one of the views, by its aria label or text. */
  row(view, text) {
    return this.view(view).locator('.monaco-list-row').filter({ hasText: text });
  }

  view(name) {
    const header = this.page.locator('.pane-header').filter({ hasText: new RegExp(name, 'i') });
    return this.page.locator('.pane').filter({ has: header });
  }

  toast(text) {
    return this.page.locator('.notifications-toasts .notification-toast').filter({ hasText: text });
  }

  /** Presses a button of a notification. */
  async press(text, button) {
    await this.toast(text).getByRole('button', { name: button, exact: true }).click();
  }

  /** Answers the dialog that asks where to save; browsers have VS Code's own. */
  async saveDialog(file) {
    await this.quickRow('..').first().waitFor();
    const input = this.page.locator('.quick-input-widget:visible input').first();
    // When it has looked at the folder it puts a name in, over whatever was typed before.
    await until('a name is proposed', async () => /\.\w+$/.test(await input.inputValue()));
    await input.fill(file);
    await this.page.locator('.quick-input-action:visible').getByText('OK').click();
  }

  tab(name) {
    return this.page.locator('.tabs-container .tab').filter({ hasText: name });
  }

  /** The inside of the details webview. */
  get detail() {
    return this.page.frameLocator('iframe.webview.ready').last().frameLocator('#active-frame');
  }

  async screenshot(file) {
    // Spinners and hovers would make each picture another one.
    await this.page.mouse.move(700, 5);
    await this.page.screenshot({ path: file, animations: 'disabled' });
  }
}
