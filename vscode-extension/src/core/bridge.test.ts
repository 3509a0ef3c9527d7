import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { Bridge, type BridgeState } from './bridge';

const SCRIPT = path.resolve(__dirname, '..', '..', 'test', 'support', 'scriptedBridge.mjs');

function makeBridge(t: TestContext, ...options: string[]) {
  const starts = { count: 0 };
  const bridge = new Bridge(() => {
    starts.count++;
    const command = [process.execPath, SCRIPT, ...options];
    return Promise.resolve({ command, workspaces: ['/home/ada'], env: process.env });
  });
  t.after(() => bridge.stop());
  return { bridge, starts };
}

function reaches(bridge: Bridge, kind: BridgeState['kind']): Promise<void> {
  return new Promise((resolve) => {
    const subscription = bridge.onState((state) => {
      if (state.kind !== kind) return;
      subscription.dispose();
      resolve();
    });
  });
}

test('a started bridge answers', async (t) => {
  const { bridge } = makeBridge(t);
  await bridge.start();
  assert.deepEqual(await bridge.request('interrupt', { share: 'a' }), { interrupted: 1 });
});

test('starting twice starts one process', async (t) => {
  const { bridge, starts } = makeBridge(t);
  await Promise.all([bridge.start(), bridge.start()]);
  assert.equal(starts.count, 1);
});

test('events of the bridge are handed on', async (t) => {
  const { bridge } = makeBridge(t);
  const event = new Promise((resolve) => bridge.onEvent(resolve));
  await bridge.start();
  assert.deepEqual(await event, { event: 'started' });
});

test('a bridge that dies is started again, and says so', async (t) => {
  const { bridge, starts } = makeBridge(t);
  await bridge.start();
  const restarted = new Promise<void>((resolve) => bridge.onRestart(resolve));
  process.kill(bridge.pid ?? 0, 'SIGKILL');
  await restarted;
  assert.equal(starts.count, 2);
  assert.deepEqual(await bridge.request('interrupt', { share: 'a' }), { interrupted: 1 });
});

test('a request that the bridge dies of is rejected with what it last said', async (t) => {
  const { bridge } = makeBridge(t, '--die-after=variables');
  await bridge.start();
  await assert.rejects(bridge.request('variables', { share: 'a' }), /exit code 7.*variables/);
});

test('a bridge that dies again and again stays down', async (t) => {
  const { bridge, starts } = makeBridge(t);
  await bridge.start();
  const failed = reaches(bridge, 'failed');
  bridge.onRestart(() => process.kill(bridge.pid ?? 0, 'SIGKILL'));
  process.kill(bridge.pid ?? 0, 'SIGKILL');
  await failed;
  assert.equal(starts.count, 4);
  await assert.rejects(bridge.request('variables', { share: 'a' }), { code: 'share_lost' });
});

test('a bridge that refuses to talk does not start', async (t) => {
  const { bridge } = makeBridge(t, '--refuse');
  await assert.rejects(bridge.start(), /Update the older/);
  assert.equal(bridge.state.kind, 'failed');
});

test('a program that is not there is named', async (t) => {
  const bridge = new Bridge(() =>
    Promise.resolve({ command: ['/nowhere/cokernel'], workspaces: [], env: {} }),
  );
  t.after(() => bridge.stop());
  await assert.rejects(bridge.start(), /nowhere/);
});

test('stopping ends the process', async (t) => {
  const { bridge } = makeBridge(t);
  await bridge.start();
  const pid = bridge.pid ?? 0;
  await bridge.stop();
  assert.throws(() => process.kill(pid, 0));
  assert.equal(bridge.state.kind, 'stopped');
});

test('restarts that are asked for at once come one after the other', async (t) => {
  const { bridge, starts } = makeBridge(t);
  await bridge.start();
  await Promise.all([bridge.restart(), bridge.restart()]);
  assert.equal(starts.count, 3);
  assert.equal(bridge.state.kind, 'running');
});
