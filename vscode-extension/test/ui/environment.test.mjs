/** The first share on a machine without cokernel: consent, installation from the bundled wheel, and on it goes. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openWorkbench } from './page.mjs';
import { publishedShares, python, screenshotFile, startServer } from './setup.mjs';

const TIMEOUT = { timeout: 420_000 };
const INSTALLED = { timeout: 300_000 };
/** The development environment has it. */
const UV = path.join(path.dirname(python), 'uv');
const NO_UV = `There is no ${UV}: run "make setup".`;
const ASKED = 'Install the Python part';

const withoutUv = (process.env.PATH ?? '')
  .split(path.delimiter)
  .filter((folder) => !existsSync(path.join(folder, 'uv')))
  .join(path.delimiter);

/** A window with a kernel to share, on a machine with this PATH. */
async function open(t, env) {
  const server = await startServer({
    settings: { 'cokernel.interpreter': '', 'standin.access': 'allow' },
    // A login shell would bring its own PATH.
    flags: ['--vscode-option', 'force-disable-user-env'],
    env,
  });
  t.after(() => server.stop());
  const workbench = await openWorkbench(server, server.folder);
  t.after(async () => {
    await workbench.screenshot(screenshotFile(`end of ${t.name}`));
    await workbench.close();
  });
  await workbench.openNotebook('analysis.ipynb');
  await workbench.runCell(0);
  await workbench.command('Share Kernel with Claude');
  return { server, workbench };
}

/** A PATH that finds uv too. */
async function pathWithUv(t) {
  const folder = await mkdtemp(path.join(tmpdir(), 'cokernel-uv-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await symlink(UV, path.join(folder, 'uv'));
  return `${folder}${path.delimiter}${withoutUv}`;
}

/** True if the test is left out for want of uv; with CI=true that is a failure. */
function lacksUv(t) {
  if (existsSync(UV)) return false;
  assert.notEqual(process.env.CI, 'true', NO_UV);
  t.skip(NO_UV);
  return true;
}

async function assertShared({ server, workbench }) {
  await workbench.status.filter({ hasText: 'Claude: analysis.ipynb' }).waitFor(INSTALLED);
  assert.equal((await publishedShares(server)).length, 1);
  await workbench.command('Cokernel: Stop Sharing');
  await workbench.statusSays('Claude: off');
}

test('the Python side is installed with consent, by venv and pip', TIMEOUT, async (t) => {
  const { server, workbench } = await open(t, { PATH: withoutUv });
  await workbench.answerDialog(ASKED, 'Cancel');
  await workbench.press('Try again to install it', 'Try Again');
  await workbench.dialog('downloaded with pip').waitFor();
  await workbench.answerDialog(ASKED, 'Install');
  await workbench.toast('Installing the Python part').waitFor();
  await workbench.screenshot(screenshotFile('installing'));
  await assertShared({ server, workbench });
});

test('the Python side is installed by uv where it is there', TIMEOUT, async (t) => {
  if (lacksUv(t)) return;
  const { server, workbench } = await open(t, { PATH: await pathWithUv(t) });
  await workbench.dialog('downloaded with uv').waitFor();
  await workbench.answerDialog(ASKED, 'Install');
  await assertShared({ server, workbench });
});

test('without a network: what failed, the log, and another try', TIMEOUT, async (t) => {
  if (lacksUv(t)) return;
  // Nobody listens there.
  const UV_DEFAULT_INDEX = 'http://127.0.0.1:9/simple';
  const env = { PATH: await pathWithUv(t), UV_DEFAULT_INDEX, UV_HTTP_RETRIES: '0' };
  const { server, workbench } = await open(t, env);
  await workbench.answerDialog(ASKED, 'Install');
  const failed = 'The Python packages could not be downloaded';
  await workbench.toast(failed).waitFor();
  await workbench.screenshot(screenshotFile('no network'));
  await workbench.press(failed, 'Show Log');
  await workbench.page.locator('.output-view').getByText('127.0.0.1:9').first().waitFor();
  assert.deepEqual(await publishedShares(server), []);
  await workbench.command('Share Kernel with Claude');
  await workbench.dialog(ASKED).waitFor();
});
