import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  environmentFolder,
  findBasePython,
  findWheel,
  isReady,
  makeEnvironment,
  type EnvironmentPlan,
} from './environment';

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'cokernel-environment-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A program that stands for uv: `script` is what it does, in sh. */
async function planWith(t: TestContext, script: string): Promise<EnvironmentPlan> {
  const folder = await temporaryFolder(t);
  const uv = path.join(folder, 'uv');
  await writeFile(uv, `#!/bin/sh\n${script}\n`);
  await chmod(uv, 0o755);
  const base = { executable: 'python3', version: '3.12.0' };
  return { folder: path.join(folder, 'storage', 'python-1'), wheel: 'cokernel.whl', base, uv };
}

/** Makes a python that is happy with everything. */
const WORKING = `if [ "$1" = venv ]; then mkdir -p "$4/bin"; printf '#!/bin/sh\\n' > "$4/bin/python"; chmod +x "$4/bin/python"; fi`;

test('an environment is ready when every step was done', async (t) => {
  const plan = await planWith(t, WORKING);
  await makeEnvironment(plan, {});
  assert.ok(isReady(plan.folder));
});

test('a step that fails leaves nothing behind and says what to do', async (t) => {
  const plan = await planWith(
    t,
    `${WORKING}\nif [ "$1" = pip ]; then echo 'error: network unreachable' >&2; exit 2; fi`,
  );
  await assert.rejects(makeEnvironment(plan, {}), /could not be downloaded.*cokernel\.interpreter/);
  assert.deepEqual(await readdir(path.dirname(plan.folder)), []);
});

test('a Python without venv is explained', async (t) => {
  const plan = await planWith(t, 'echo "ensurepip is not available" >&2; exit 1');
  await assert.rejects(makeEnvironment(plan, {}), /python3-venv/);
});

test('an installation that is stopped leaves nothing behind', async (t) => {
  const plan = await planWith(t, 'exec sleep 60');
  const abort = new AbortController();
  const onLine = () => setImmediate(() => abort.abort(new Error('stopped')));
  await assert.rejects(makeEnvironment(plan, { signal: abort.signal, onLine }), /stopped/);
  assert.deepEqual(await readdir(path.dirname(plan.folder)), []);
});

test('two windows at once make it once', async (t) => {
  const plan = await planWith(t, `echo "$1" >> "$(dirname "$0")/calls"\n${WORKING}`);
  await Promise.all([makeEnvironment(plan, {}), makeEnvironment(plan, {})]);
  assert.ok(isReady(plan.folder));
});

test('a lock of a window that has died is taken over', async (t) => {
  const plan = await planWith(t, WORKING);
  await makeEnvironment(plan, {});
  await rm(plan.folder, { recursive: true });
  await writeFile(`${plan.folder}.lock`, String(2 ** 30));
  await makeEnvironment(plan, {});
  assert.ok(isReady(plan.folder));
});

test('another wheel has another folder', async (t) => {
  const folder = await temporaryFolder(t);
  const [a, b] = [path.join(folder, 'a.whl'), path.join(folder, 'b.whl')];
  await writeFile(a, 'a');
  await writeFile(b, 'b');
  assert.notEqual(await environmentFolder(folder, a), await environmentFolder(folder, b));
});

test('a build without a wheel is explained', async (t) => {
  await assert.rejects(findWheel(await temporaryFolder(t)), /cokernel\.interpreter/);
});

test('the first Python that is new enough is taken', async () => {
  const found = await findBasePython([['/nowhere/python'], ['python3']]);
  assert.match(found?.version ?? '', /^3\.\d+\.\d+$/);
});
