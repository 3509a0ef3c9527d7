/** Runs the suite of test/host in the extension host of a real VS Code, and tells of each of its tests. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openWorkbench } from './page.mjs';
import { startServer } from './setup.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const TIMEOUT_MS = 600_000;

test('in the extension host', { timeout: TIMEOUT_MS + 60_000 }, async (t) => {
  const server = await startServer({
    // Built products take a payload from the address only with this driver.
    flags: ['--vscode-option', 'enable-smoke-test-driver'],
    settings: { 'standin.access': 'allow', 'chat.disableAIFeatures': false },
    underDevelopment: true,
  });
  t.after(() => server.stop());
  const workbench = await openWorkbench(server, server.folder, { payload: payloadFor(server) });
  t.after(() => workbench.close());
  const results = await reportOf(server);
  for (const { title, error } of results) {
    await t.test(title, () => assert.equal(error, undefined, error));
  }
  assert.ok(results.length > 0);
});

function payloadFor(server) {
  const remote = (folder) => `vscode-remote://127.0.0.1:${server.port}${folder}`;
  return [
    ['extensionDevelopmentPath', remote(ROOT)],
    ['extensionTestsPath', remote(path.join(ROOT, 'out', 'host', 'index.js'))],
  ];
}

async function reportOf(server) {
  const file = path.join(server.folder, 'report.json');
  const deadline = Date.now() + TIMEOUT_MS;
  while (!existsSync(file)) {
    if (Date.now() > deadline) throw new Error('The suite did not end.');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}
