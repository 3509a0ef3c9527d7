/** What can be in the way of sharing: one sentence each, and the button with the next step works. */
import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openWorkbench } from './page.mjs';
import { publishedShares, screenshotFile, startServer } from './setup.mjs';

const TIMEOUT = { timeout: 300_000 };
const SETTINGS = { 'standin.access': 'allow' };

let server;

before(async () => {
  server = await startServer({ settings: SETTINGS });
});

after(() => server?.stop());

/** A window on the server of all tests, with settings of this test's own. */
async function open(t, settings = {}) {
  await server.configure(settings);
  return openOn(t, server);
}

async function openOn(t, itsServer) {
  const workbench = await openWorkbench(itsServer, itsServer.folder);
  t.after(async () => {
    await workbench.screenshot(screenshotFile(`end of ${t.name}`));
    await workbench.close();
  });
  return workbench;
}

async function writeNotebook(name, ...sources) {
  const cells = sources.map((source) => ({
    cell_type: 'code',
    execution_count: null,
    metadata: {},
    outputs: [],
    source,
  }));
  const notebook = { cells, metadata: {}, nbformat: 4, nbformat_minor: 4 };
  await writeFile(path.join(server.folder, name), JSON.stringify(notebook));
}

async function assertNothingIsShared(itsServer) {
  assert.deepEqual(await publishedShares(itsServer), []);
}

test('several kernels and no notebook in front: a list to pick from', TIMEOUT, async (t) => {
  await writeNotebook('fit.ipynb', 'slope = 2');
  const workbench = await open(t);
  for (const notebook of ['analysis.ipynb', 'fit.ipynb']) {
    await workbench.openNotebook(notebook);
    await workbench.runCell(0);
  }
  await workbench.open('fit.py');
  await workbench.command('Share Kernel with Claude');
  await workbench.quickRow('analysis.ipynb').waitFor();
  await workbench.screenshot(screenshotFile('several kernels'));
  await workbench.quickRow('fit.ipynb').click();
  await workbench.statusSays('Claude: fit.ipynb');
  assert.equal((await publishedShares(server)).length, 1);
  await workbench.command('Cokernel: Stop Sharing');
  await workbench.statusSays('Claude: off');
});

test('no notebook at all: New Notebook', TIMEOUT, async (t) => {
  const workbench = await open(t);
  await workbench.command('Share Kernel with Claude');
  await workbench.press('There is no notebook with a running kernel', 'New Notebook');
  await workbench.tab('Untitled-1').waitFor();
});

test('a kernel that was not started: Run First Cell', TIMEOUT, async (t) => {
  const workbench = await open(t);
  await workbench.openNotebook('analysis.ipynb');
  await workbench.command('Share Kernel with Claude');
  await workbench.press('Run a cell first', 'Run First Cell');
  await workbench.statusSays('Claude: analysis.ipynb');
  await workbench.command('Cokernel: Stop Sharing');
  await workbench.statusSays('Claude: off');
});

test('the first cell that runs is one of the notebook that was meant', TIMEOUT, async (t) => {
  await writeNotebook('other.ipynb', 'raise SystemExit("must not run")');
  const workbench = await open(t);
  await workbench.openNotebook('analysis.ipynb');
  await workbench.command('Share Kernel with Claude');
  await workbench.toast('Run a cell first').waitFor();
  await workbench.openNotebook('other.ipynb');
  await workbench.press('Run a cell first', 'Run First Cell');
  await workbench.statusSays('Claude: analysis.ipynb');
  await workbench.command('Cokernel: Stop Sharing');
  await workbench.statusSays('Claude: off');
});

test('a kernel that is not Python: Select Kernel', TIMEOUT, async (t) => {
  const workbench = await open(t, { 'standin.language': 'r' });
  await workbench.openNotebook('analysis.ipynb');
  await workbench.runCell(0);
  await workbench.command('Share Kernel with Claude');
  await workbench.press('speaks r; only Python kernels can be shared', 'Select Kernel');
  await workbench.quickRow('Python 3').first().waitFor();
  await assertNothingIsShared(server);
});

test('a kernel on another machine: Select Kernel', TIMEOUT, async (t) => {
  await writeNotebook('remote.ipynb', 'import socket\nsocket.gethostname = lambda: "lab-7"');
  const workbench = await open(t);
  await workbench.openNotebook('remote.ipynb');
  await workbench.runCell(0);
  await workbench.command('Share Kernel with Claude');
  await workbench.toast('The kernel runs on lab-7').waitFor();
  await workbench.screenshot(screenshotFile('remote kernel'));
  await workbench.press('The kernel runs on lab-7', 'Select Kernel');
  await workbench.quickRow('Python 3').first().waitFor();
  await assertNothingIsShared(server);
});

test('an interpreter without cokernel: Open Settings', TIMEOUT, async (t) => {
  const workbench = await open(t, { 'cokernel.interpreter': '/usr/bin/python3' });
  await workbench.openNotebook('analysis.ipynb');
  await workbench.runCell(0);
  await workbench.command('Share Kernel with Claude');
  await workbench.toast('No module named cokernel').waitFor();
  await workbench.screenshot(screenshotFile('interpreter without cokernel'));
  await workbench.press('The setting cokernel.interpreter says', 'Open Settings');
  await workbench.page.locator('.settings-editor').getByText('Interpreter').first().waitFor();
  await workbench.statusSays('Claude: off');
});

test('an interpreter that is not there: mended, then Try Again', TIMEOUT, async (t) => {
  const workbench = await open(t, { 'cokernel.interpreter': '/nowhere/python' });
  await workbench.openNotebook('analysis.ipynb');
  await workbench.runCell(0);
  await workbench.command('Share Kernel with Claude');
  await workbench.toast('/nowhere/python').waitFor();
  // Typed into the settings' own file, so that VS Code has it when the button is pressed.
  await server.configure();
  await workbench.press('/nowhere/python', 'Try Again');
  await workbench.statusSays('Claude: analysis.ipynb');
  await workbench.command('Cokernel: Stop Sharing');
  await workbench.statusSays('Claude: off');
});

test('no Python for the bridge: Open Settings', TIMEOUT, async (t) => {
  const bare = await startServer({
    settings: { ...SETTINGS, 'cokernel.interpreter': '' },
    flags: ['--vscode-option', 'force-disable-user-env'],
    env: { PATH: await folderWithoutPython(server.home) },
  });
  t.after(() => bare.stop());
  const workbench = await openOn(t, bare);
  await workbench.command('Connect Claude Code');
  await workbench.press('No Python 3.10 or newer was found', 'Open Settings');
  await workbench.page.locator('.settings-editor').getByText('Interpreter').first().waitFor();
});

test('no Jupyter extension: Show Jupyter', TIMEOUT, async (t) => {
  const bare = await startServer({ withJupyter: false });
  t.after(() => bare.stop());
  const workbench = await openOn(t, bare);
  await workbench.open('analysis.ipynb');
  await workbench.cell(0).waitFor();
  await workbench.command('Share Kernel with Claude');
  await workbench.press('Jupyter extension, which is not installed', 'Show Jupyter');
  await workbench.page.locator('.extensions-viewlet').getByText('@id:ms-toolsai.jupyter').waitFor();
});

test(
  'an untrusted folder: VS Code says why, and sharing works once it is trusted',
  TIMEOUT,
  async (t) => {
    const careful = await startServer({
      asksForTrust: true,
      settings: {
        ...SETTINGS,
        'security.workspace.trust.enabled': true,
        'security.workspace.trust.startupPrompt': 'never',
      },
    });
    t.after(() => careful.stop());
    const workbench = await openOn(t, careful);
    await workbench.command('Extensions: Show Installed Extensions');
    await workbench.page.locator('.extension-list-item').getByText('Claude works in').click();
    await workbench.page
      .getByText('Sharing lets an agent run code, so it needs a trusted')
      .waitFor();
    await workbench.screenshot(screenshotFile('untrusted folder'));
    await workbench.page.getByRole('button', { name: 'Restricted Mode' }).click();
    await workbench.page.getByRole('button', { name: 'Trust', exact: true }).click();
    await workbench.statusSays('Claude: off');
    await workbench.openNotebook('analysis.ipynb');
    await workbench.runCell(0);
    await workbench.command('Share Kernel with Claude');
    await workbench.statusSays('Claude: analysis.ipynb');
  },
);

/** A PATH on which there is no Python. */
async function folderWithoutPython(home) {
  const folder = path.join(home, 'bin');
  await mkdir(folder);
  for (const program of ['sh', 'bash', 'env', 'uname', 'which']) {
    await symlink(`/bin/${program}`, path.join(folder, program));
  }
  return folder;
}
