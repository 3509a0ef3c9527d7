import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BridgeError,
  type AnswerOf,
  type Command,
  type CommandArguments,
  type Share,
} from './protocol';
import { SharedKernel, type BridgeForShares, type Phase } from './shares';
import { ScriptedKernel } from './testing';

/** Answers at once, and notes what it was asked. */
class NotingBridge implements BridgeForShares {
  readonly asked: { readonly command: Command; readonly args: Record<string, unknown> }[] = [];
  refusal: BridgeError | undefined;

  ready(): Promise<void> {
    return Promise.resolve();
  }

  request<C extends Command>(command: C, args: CommandArguments[C]): Promise<AnswerOf<C>> {
    this.asked.push({ command, args: { ...args } });
    if (this.refusal) return Promise.reject(this.refusal);
    const share: Share = {
      share: 'scripted-1',
      title: 'analysis.ipynb',
      state: 'up',
      mode: 'ask',
      paused: false,
      detail: '',
      connection_file: '',
      kernel_pid: null,
    };
    return Promise.resolve(share as unknown as AnswerOf<C>);
  }

  get commands(): Command[] {
    return this.asked.map(({ command }) => command);
  }
}

function arrange() {
  const bridge = new NotingBridge();
  const kernel = new ScriptedKernel();
  return { bridge, kernel, shared: new SharedKernel(bridge, kernel, 'analysis.ipynb', 'ask') };
}

function reaches(shared: SharedKernel, phase: Phase): Promise<void> {
  if (shared.phase === phase) return Promise.resolve();
  return new Promise((resolve) => {
    const subscription = shared.onDidChange(() => {
      if (shared.phase !== phase) return;
      subscription.dispose();
      resolve();
    });
  });
}

test('a kernel is shared by the connection file that it names', async () => {
  const { bridge, kernel, shared } = arrange();
  const { connectionFile, pid } = await kernel.locate();
  await shared.start();
  assert.equal(shared.phase, 'shared');
  const args = bridge.asked[0]?.args;
  assert.deepEqual([args?.['connection_file'], args?.['kernel_pid']], [connectionFile, pid]);
});

test('a restart is told to the bridge at once, and the share follows to the new connection file', async () => {
  const { bridge, kernel, shared } = arrange();
  await shared.start();
  kernel.become('restarting');
  assert.equal(shared.phase, 'restarting');
  kernel.moves();
  kernel.become('idle');
  await reaches(shared, 'shared');
  assert.deepEqual(bridge.commands, ['share', 'restarted', 'retarget']);
  assert.equal(bridge.asked[2]?.args['connection_file'], (await kernel.locate()).connectionFile);
});

test('an answer from before a restart is thrown away', async () => {
  const { bridge, kernel, shared } = arrange();
  kernel.hold();
  const started = shared.start();
  await new Promise(setImmediate); // the kernel is at the question: its own busy and idle are over
  kernel.become('restarting');
  kernel.moves();
  kernel.release();
  await started;
  assert.deepEqual(bridge.commands, []);
  kernel.become('idle');
  await reaches(shared, 'shared');
  assert.equal(bridge.asked[0]?.args['connection_file'], (await kernel.locate()).connectionFile);
});

test('a kernel that died is lost until it lives again', async () => {
  const { bridge, kernel, shared } = arrange();
  await shared.start();
  kernel.become('dead');
  assert.equal(shared.phase, 'lost');
  assert.match(shared.problem, /Run a cell/);
  kernel.moves();
  kernel.become('idle');
  await reaches(shared, 'shared');
  assert.deepEqual(bridge.commands, ['share', 'restarted', 'retarget']);
});

test('a kernel that does not answer is asked again when a cell has run, not by itself', async () => {
  const { bridge, kernel, shared } = arrange();
  await shared.start();
  kernel.become('restarting');
  kernel.moves({ hostname: 'far-away' });
  kernel.become('idle');
  await reaches(shared, 'lost');
  kernel.become('idle');
  assert.match(shared.problem, /far-away/);
  kernel.moves();
  await shared.follow(kernel);
  assert.equal(shared.phase, 'shared');
  assert.deepEqual(bridge.commands, ['share', 'restarted', 'retarget']);
});

test('another kernel of the same notebook is followed', async () => {
  const { bridge, shared } = arrange();
  await shared.start();
  await shared.follow(new ScriptedKernel());
  assert.deepEqual(bridge.commands, ['share', 'retarget']);
});

test('the kernel that is shared already is not asked again', async () => {
  const { bridge, kernel, shared } = arrange();
  await shared.start();
  await shared.follow(kernel);
  assert.deepEqual(bridge.commands, ['share']);
});

test('a new bridge is told of the share under the same id', async () => {
  const { bridge, shared } = arrange();
  await shared.start();
  await shared.shareAgain();
  assert.deepEqual(bridge.commands, ['share', 'share']);
  assert.equal(bridge.asked[1]?.args['share'], 'scripted-1');
});

test('stopping while the kernel is being asked publishes nothing', async () => {
  const { bridge, kernel, shared } = arrange();
  kernel.hold();
  const started = shared.start();
  await shared.stop('');
  kernel.release();
  await assert.rejects(started, { obstacle: 'stopped' });
  assert.deepEqual(bridge.commands, []);
});

test('a status that comes after the end changes nothing', async () => {
  const { bridge, kernel, shared } = arrange();
  await shared.start();
  await shared.stop('analysis.ipynb was closed.');
  kernel.become('restarting');
  kernel.become('idle');
  assert.equal(shared.phase, 'ended');
  assert.deepEqual(bridge.commands, ['share', 'unshare']);
});

test('a kernel on another machine is refused with what to do', async () => {
  const { bridge, kernel, shared } = arrange();
  kernel.moves({ hostname: 'far-away' });
  await assert.rejects(shared.start(), { obstacle: 'remote', message: /far-away.*Remote SSH/ });
  assert.deepEqual(bridge.commands, []);
});

test('a refusal of the bridge ends the share', async () => {
  const { bridge, shared } = arrange();
  bridge.refusal = new BridgeError('untrusted', 'The connection file belongs to another user.');
  await assert.rejects(shared.start(), /another user/);
  assert.equal(shared.phase, 'ended');
});

test('a kernel that was taken from its notebook is lost until a cell brings another', async () => {
  const { bridge, shared } = arrange();
  await shared.start();
  await shared.rename('fit.ipynb');
  shared.kernelEnded();
  assert.match(shared.problem, /fit\.ipynb ended. Run a cell/);
  await shared.follow(new ScriptedKernel());
  assert.equal(shared.phase, 'shared');
  assert.deepEqual(bridge.commands, ['share', 'rename', 'restarted', 'retarget']);
});

test('a new name is told to agents', async () => {
  const { bridge, shared } = arrange();
  await shared.start();
  await shared.rename('fit.ipynb');
  assert.deepEqual(bridge.asked[1], {
    command: 'rename',
    args: { share: 'scripted-1', title: 'fit.ipynb' },
  });
});
