/** What a person does and sees, from the palette to the end of sharing, with a real agent at the other end. */
import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { Agent } from './client.mjs';
import { openWorkbench } from './page.mjs';
import { cokernel, publishedShares, python, screenshotFile, startServer, until } from './setup.mjs';

const TIMEOUT = { timeout: 300_000 };
const PERMISSION = 'Do you want to grant Kernel access to the extension Share Kernel with Claude';

let server;
let workbench;
let agents;

before(async () => {
  // Without it, what a closed window shares would live on for hours: its page might come back.
  server = await startServer({ flags: ['--reconnection-grace-time', '3'] });
});

after(() => server?.stop());

beforeEach(async () => {
  agents = [];
  workbench = await openWorkbench(server, server.folder);
});

afterEach(async (t) => {
  await Promise.all(agents.map((agent) => agent.close()));
  await workbench.screenshot(screenshotFile(`end of ${t.name}`));
  await workbench.close();
  // Also what a failed test has left shared: the next one must not see it.
  await until('nothing is shared', async () => (await publishedShares(server)).length === 0);
});

async function stopSharing() {
  await workbench.command('Cokernel: Stop Sharing');
  await workbench.statusSays('Claude: off');
}

async function connectAgent() {
  const agent = await Agent.start(server, python, server.folder);
  agents.push(agent);
  return agent;
}

async function shareExample(name = 'analysis.ipynb') {
  await workbench.openNotebook(name);
  await share(name);
}

/** Runs the first cell of the notebook in front, and shares its kernel. */
async function share(name) {
  await workbench.runCell(0);
  await workbench.command('Share Kernel with Claude');
  await workbench.answerDialog(PERMISSION, 'Allow');
  await workbench.statusSays(`Claude: ${name}`);
}

function copyExample(name) {
  return copyFile(path.join(server.folder, 'analysis.ipynb'), path.join(server.folder, name));
}

test('share, allow, run, watch, interrupt, stop', TIMEOUT, async () => {
  await shareExample();
  assert.equal((await publishedShares(server)).length, 1);
  await workbench.row('Shared Kernels', 'analysis.ipynb').filter({ hasText: 'Ask me' }).waitFor();

  const agent = await connectAgent();
  const run = agent.execute('df["twice"] = df.signal * 2\nprint("rows", len(df))');
  await workbench.statusSays('Claude: waiting for you');
  await workbench.row('Activity', 'waiting for you').waitFor();
  await workbench
    .toast('Claude Code wants to run code')
    .getByRole('button', { name: 'Review' })
    .click();
  await workbench.detail.getByText('Claude Code wants to run this in analysis.ipynb').waitFor();
  assert.match(await workbench.detail.locator('.source').innerText(), /len\(df\)/);
  await workbench.screenshot(screenshotFile('approval'));
  await workbench.detail.getByText('Allow until sharing stops').click();
  assert.match(await run, /rows 200/);

  await workbench.row('Activity', 'df["twice"]').waitFor();
  await workbench.row('Changed by Claude', 'DataFrame 200×3').waitFor();
  await workbench.detail.getByText('rows 200').waitFor();

  const loop = agent.execute('import time\nwhile True: time.sleep(0.05)');
  await workbench.statusSays(/Claude: running \d+ s/);
  await workbench.screenshot(screenshotFile('running'));
  await workbench.page.getByRole('button', { name: "Interrupt Claude's run" }).click();
  assert.match(await loop, /interrupted/);
  await workbench.row('Activity', 'interrupted').waitFor();

  await stopSharing();
  assert.deepEqual(await publishedShares(server), []);
  assert.match(await agent.call('list_variables'), /stopped|not shared|share/i);
});

test('a refused permission is explained, and there is a way back', TIMEOUT, async () => {
  await workbench.openNotebook('analysis.ipynb');
  await workbench.runCell(0);
  await workbench.command('Share Kernel with Claude');
  await workbench.answerDialog(PERMISSION, 'Cancel');
  await workbench.toast('was not allowed to hand over its kernel').waitFor();
  await workbench.screenshot(screenshotFile('permission refused'));
  await workbench.toast('was not allowed').getByRole('button', { name: 'Manage Access' }).click();
  await workbench.quickRow('Share Kernel with Claude').locator('.monaco-checkbox').click();
  await workbench.page.locator('.quick-input-action').getByText('OK').click();
  await workbench.command('Share Kernel with Claude');
  await workbench.statusSays('Claude: analysis.ipynb');
});

test('Escape denies, and nothing has run', TIMEOUT, async () => {
  await shareExample();
  const agent = await connectAgent();
  const run = agent.execute('raise SystemExit');
  await workbench
    .toast('Claude Code wants to run code')
    .getByRole('button', { name: 'Review' })
    .click();
  await workbench.detail.getByText('wants to run this').waitFor();
  await workbench.page.keyboard.press('Escape');
  assert.match(await run, /denied/i);
  await workbench.row('Activity', 'denied').waitFor();
});

test(
  'two windows share two kernels, and closing one withdraws only its own',
  TIMEOUT,
  async (t) => {
    await copyExample('second.ipynb');
    await shareExample();
    const first = workbench;
    const second = await openWorkbench(server, server.folder);
    t.after(() => second.close());
    workbench = second;
    await shareExample('second.ipynb');
    workbench = first;

    const listed = await cokernel(server, 'shares');
    assert.match(listed, /analysis\.ipynb/);
    assert.match(listed, /second\.ipynb/);
    const agent = await connectAgent();
    const kernels = await agent.call('list_kernels');
    assert.match(kernels, /analysis\.ipynb/);
    assert.match(kernels, /second\.ipynb/);

    await second.close();
    await until('its share is gone', async () => (await publishedShares(server)).length === 1);
    assert.match(await cokernel(server, 'shares'), /analysis\.ipynb/);
    assert.doesNotMatch(await agent.call('list_kernels'), /second\.ipynb/);
    await first.statusSays('Claude: analysis.ipynb');
  },
);

test('a notebook saved under another name goes on being shared', TIMEOUT, async () => {
  await shareExample();
  const before = await publishedShares(server);
  await workbench.command('File: Save As...');
  await workbench.saveDialog(path.join(server.folder, 'renamed.ipynb'));
  await workbench.tab('renamed.ipynb').waitFor();
  // Jupyter ends the kernel of a notebook that is saved under another name.
  await workbench.statusSays('Claude: renamed.ipynb lost');
  await workbench.screenshot(screenshotFile('saved under another name'));
  await workbench.runCell(0);
  await workbench.statusSays(/Claude: renamed\.ipynb$/);
  await until('the record has the new name', async () =>
    (await cokernel(server, 'shares')).includes('renamed.ipynb'),
  );
  assert.deepEqual(await publishedShares(server), before);
  const agent = await connectAgent();
  assert.match(await agent.call('list_variables'), /^df:/m);
});

test('an untitled notebook that is saved goes on being shared', TIMEOUT, async () => {
  await workbench.command('Create: New Jupyter Notebook');
  await workbench.cell(0).click();
  await workbench.page.keyboard.type('x = 41');
  await share('Untitled-1.ipynb');
  const before = await publishedShares(server);
  await workbench.page.keyboard.press('Control+S');
  await workbench.saveDialog(path.join(server.folder, 'titled.ipynb'));
  await workbench.statusSays('Claude: titled.ipynb lost');
  await workbench.row('Shared Kernels', 'lost').waitFor();
  await workbench.view('Shared Kernels').getByText('Run a cell to start it again').waitFor();
  await workbench.runCell(0);
  await workbench.statusSays(/Claude: titled\.ipynb$/);
  assert.deepEqual(await publishedShares(server), before);
});

test('a window that is reloaded leaves nothing behind', TIMEOUT, async () => {
  await shareExample();
  await workbench.command('Developer: Reload Window');
  await until('the record is gone', async () => (await publishedShares(server)).length === 0);
  await workbench.statusSays('Claude: off');
});
