import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ActivityModel } from './activity';
import type { Requests } from './requests';
import { SharedKernel } from './shares';
import { summarize } from './summary';
import { ScriptedKernel, makeActivity } from './testing';

/** A kernel that is shared, over a bridge that agrees to everything. */
async function arrange() {
  const agree = (_: unknown, { title = 'analysis.ipynb' }: { title?: string }) => {
    const state = { state: 'up', mode: 'ask', paused: false, detail: '', kernel_pid: null };
    return Promise.resolve({ share: 'scripted-1', title, connection_file: '', ...state });
  };
  const bridge = { ready: () => Promise.resolve(), request: agree as Requests['request'] };
  const kernel = new ScriptedKernel();
  const shared = new SharedKernel(bridge, kernel, 'analysis.ipynb', 'ask');
  await shared.start();
  const model = new ActivityModel();
  return { kernel, model, says: () => summarize([shared], model, 112) };
}

test('nothing is shared', () => {
  assert.equal(summarize([], new ActivityModel(), 0).text, 'Claude: off');
});

test('what is shared is named', async () => {
  const { says } = await arrange();
  assert.equal(says().text, 'Claude: analysis.ipynb');
});

test('a restart is not shown as if all were well', async () => {
  const { kernel, says } = await arrange();
  kernel.become('restarting');
  assert.equal(says().text, 'Claude: restarting');
  assert.match(says().sentence, /analysis\.ipynb is being restarted/);
});

test('a kernel that ended is told with what to do', async () => {
  const { kernel, says } = await arrange();
  kernel.become('dead');
  assert.equal(says().text, 'Claude: analysis.ipynb lost');
  assert.match(says().sentence, /Run a cell/);
});

test('a run that waits for the person goes before one that is going on', async () => {
  const { model, says } = await arrange();
  const running = makeActivity({ number: 1, state: 'running', started_at: 100 });
  model.take({ event: 'activity', activity: running });
  assert.equal(says().text, 'Claude: running 12 s');
  const waiting = makeActivity({ number: 2, state: 'waiting_approval' });
  model.take({ event: 'activity', activity: waiting });
  assert.equal(says().text, 'Claude: waiting for you');
});
