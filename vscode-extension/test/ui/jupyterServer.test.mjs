/** The kernel of a real Jupyter Server on this machine: shared as any other, and still true after the server restarts it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Agent } from './client.mjs';
import { openWorkbench } from './page.mjs';
import { publishedShares, python, screenshotFile, startServer, until } from './setup.mjs';

const PERMISSION = 'Do you want to grant Kernel access to the extension Share Kernel with Claude';

let folder;
let jupyter;
let server;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ck-jupyter-'));
  jupyter = await startJupyterServer();
  server = await startServer({
    settings: { 'standin.server': await serverFile(), 'cokernel.mode': 'free' },
  });
});

after(async () => {
  await server?.stop();
  jupyter?.kill();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function startJupyterServer() {
  const runtime = path.join(folder, 'runtime');
  await mkdir(runtime, { mode: 0o700 });
  return spawn(python, ['-m', 'jupyter_server', '--no-browser', '--allow-root', '--port=0'], {
    cwd: folder,
    env: { ...process.env, JUPYTER_RUNTIME_DIR: runtime, JUPYTER_CONFIG_DIR: folder },
    stdio: 'ignore',
  });
}

/** Where it says its address and its token, once it listens. */
async function serverFile() {
  const runtime = path.join(folder, 'runtime');
  let found;
  await until('the Jupyter Server listens', async () => {
    assert.equal(jupyter.exitCode, null, 'the Jupyter Server ended');
    found = (await readdir(runtime)).find((name) => /^jpserver-\d+\.json$/.test(name));
    return found;
  });
  return path.join(runtime, found);
}

test(
  'a kernel of a Jupyter Server is shared, also after the server restarted it',
  { timeout: 300_000 },
  async (t) => {
    const workbench = await openWorkbench(server, server.folder);
    t.after(() => workbench.close());
    await workbench.openNotebook('analysis.ipynb');
    await workbench.runCell(0);
    await workbench.command('Share Kernel with Claude');
    await workbench.answerDialog(PERMISSION, 'Allow');
    await workbench.statusSays('Claude: analysis.ipynb');

    const agent = await Agent.start(server, python, server.folder);
    t.after(() => agent.close());
    assert.match(await agent.execute('kept = 1\nlen(df)'), /200/);
    const [, before] = /pid (\d+)/.exec(
      await agent.execute('import os; print("pid", os.getpid())'),
    );

    await workbench.command('Jupyter: Restart Kernel');
    let text = '';
    await until('the agent is in the new process', async () => {
      text = await agent.execute(
        'print("pid", os.getpid() if "os" in globals() else __import__("os").getpid(), "kept" in globals())',
      );
      return /pid \d+/.test(text) && !text.includes(`pid ${before} `);
    });
    assert.match(text, /False/);
    await workbench.statusSays('Claude: analysis.ipynb');
    assert.equal((await publishedShares(server)).length, 1);
    await workbench
      .row('Shared Kernels', 'analysis.ipynb')
      .filter({ hasText: 'Run freely' })
      .waitFor();
    await workbench.screenshot(screenshotFile('jupyter server'));

    await workbench.command('Cokernel: Stop Sharing');
    await workbench.statusSays('Claude: off');
    assert.deepEqual(await publishedShares(server), []);
  },
);
