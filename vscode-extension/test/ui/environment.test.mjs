/** The first share on a machine without cokernel: consent, installation from the bundled wheel, and on it goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWorkbench } from './page.mjs';
import { publishedShares, screenshotFile, startServer } from './setup.mjs';

test('the Python side is installed with consent', { timeout: 420_000 }, async (t) => {
  const settings = { 'cokernel.interpreter': '', 'standin.access': 'allow' };
  const server = await startServer({ settings });
  t.after(() => server.stop());
  const workbench = await openWorkbench(server, server.folder);
  t.after(() => workbench.close());
  await workbench.openNotebook('analysis.ipynb');
  await workbench.runCell(0);

  await workbench.command('Share Kernel with Claude');
  await workbench.answerDialog('Install the Python part', 'Cancel');
  await workbench
    .toast('Try again to install it')
    .getByRole('button', { name: 'Try Again' })
    .click();
  await workbench.answerDialog('Install the Python part', 'Install');
  await workbench.toast('Installing the Python part').waitFor();
  await workbench.screenshot(screenshotFile('installing'));
  await workbench.status
    .filter({ hasText: 'Claude: analysis.ipynb' })
    .waitFor({ timeout: 300_000 });

  assert.equal((await publishedShares(server)).length, 1);
  await workbench.command('Cokernel: Stop Sharing');
  await workbench.statusSays('Claude: off');
});
