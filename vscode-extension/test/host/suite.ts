/** Sharing in a real extension host, with real notebooks and real kernels. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Sharing } from '../../src/ide/sharing';
import { Agent } from './agent';
import {
  activateExtension,
  openNotebook,
  publishedRecords,
  recordOf,
  runCell,
  startCell,
  startedTarget,
  textOf,
  until,
} from './support';

describe('sharing', () => {
  let sharing: Sharing;

  before(async () => {
    sharing = await activateExtension();
  });

  afterEach(async () => {
    await sharing.stopAll('The test is over.');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  async function shareNew(...code: string[]) {
    const notebook = await openNotebook(...code);
    const shared = await sharing.share(await startedTarget(notebook), 'free');
    return { notebook, shared };
  }

  it('publishes a record that names the kernel, and takes it away', async () => {
    const { shared } = await shareNew('x = 41');
    const record = recordOf(shared);
    assert.equal(record?.title, 'test.ipynb');
    assert.ok(record && existsSync(record.connection_file));
    await sharing.stop(shared, '');
    assert.deepEqual(publishedRecords(), []);
    assert.equal(sharing.bridge.state.kind, 'stopped');
  });

  it('leaves no name and no history in the kernel', async () => {
    const { notebook } = await shareNew(
      'names = set(globals())',
      'print(sorted(set(globals()) - names - {"names"}), len(In))',
    );
    assert.match(await runCell(notebook, 1), /^\['_i2'\] 3/);
  });

  it('lets an agent work with the variables of the notebook', async () => {
    const { notebook, shared } = await shareNew('x = 41', 'print(y)');
    const agent = await Agent.connect();
    try {
      assert.match(await agent.execute('y = x + 1\nprint("seen", x)'), /seen 41/);
    } finally {
      await agent.close();
    }
    assert.match(await runCell(notebook, 1), /42/);
    const [call] = sharing.model.list(({ kind }) => kind === 'run');
    assert.equal(call?.state, 'ok');
    assert.deepEqual(
      sharing.model.changes(shared.id ?? '').map(({ change }) => change.name),
      ['y'],
    );
  });

  it('waits behind a running cell and does not disturb it', async () => {
    const notebook = await openNotebook(
      'x = 1',
      'import time\nfor _ in range(20): time.sleep(0.1)\nprint("done")',
    );
    const target = await startedTarget(notebook);
    startCell(notebook, 1);
    const shared = await sharing.share(target, 'ask');
    assert.equal(shared.phase, 'shared');
    await until('the cell has ended', () => notebook.cellAt(1).executionSummary?.success === true);
    assert.match(textOf(notebook.cellAt(1)), /done/);
  });

  it('publishes nothing when it is stopped while it waits, and the cell runs on', async () => {
    const notebook = await openNotebook('x = 1', 'import time; time.sleep(2); print("done")');
    const target = await startedTarget(notebook);
    startCell(notebook, 1);
    const started = sharing.share(target, 'ask');
    const [shared] = sharing.shares;
    assert.ok(shared);
    await sharing.stop(shared, '');
    await assert.rejects(started);
    await until('the cell has ended', () => notebook.cellAt(1).executionSummary?.success === true);
    assert.match(textOf(notebook.cellAt(1)), /done/);
    assert.deepEqual(publishedRecords(), []);
  });

  it('follows a restart to the new connection file under the same id', async () => {
    const { shared } = await shareNew('x = 1');
    const before = recordOf(shared);
    await vscode.commands.executeCommand('jupyter.restartkernel');
    await until('the record names the new kernel', () => {
      const now = recordOf(shared);
      return now !== undefined && now.connection_file !== before?.connection_file;
    });
    assert.notEqual(recordOf(shared)?.kernel_pid, before?.kernel_pid);
    assert.equal(shared.share?.share, before?.share);
  });

  it('says that a killed kernel is lost, and goes on when a cell starts another', async () => {
    const { notebook, shared } = await shareNew('x = 1');
    const pid = shared.location?.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await until('the loss was noticed', () => shared.phase === 'lost');
    assert.match(shared.problem, /Run a cell to start it again/);
    await runCell(notebook, 0);
    await until(`it is shared again (${shared.problem})`, () => shared.phase === 'shared');
    assert.notEqual(recordOf(shared)?.kernel_pid, pid);
  });

  it('ends when the notebook is closed', async () => {
    const { shared } = await shareNew('x = 1');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await until('the share has ended', () => shared.phase === 'ended');
    await until('the record is gone', () => publishedRecords().length === 0);
  });

  it('comes back under the same id when the bridge dies', async () => {
    const { shared } = await shareNew('x = 1');
    const { id } = shared;
    const pid = sharing.bridge.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await until('another bridge has it', () => {
      return (
        sharing.bridge.pid !== pid && shared.phase === 'shared' && recordOf(shared) !== undefined
      );
    });
    assert.equal(recordOf(shared)?.share, id);
  });

  it('interrupts the run of an agent and not the cell behind it', async () => {
    const { notebook } = await shareNew('x = 1', 'print("mine")');
    const agent = await Agent.connect();
    try {
      const run = agent.execute('import time\nwhile True: time.sleep(0.05)');
      await until('the run is going', () => sharing.model.running().length === 1);
      startCell(notebook, 1);
      assert.equal(await sharing.interrupt(), 1);
      assert.match(await run, /interrupted/);
    } finally {
      await agent.close();
    }
    await until('the cell has run', () => notebook.cellAt(1).executionSummary?.success === true);
    assert.match(textOf(notebook.cellAt(1)), /mine/);
  });

  it('runs nothing before it was allowed, and nothing that was denied', async () => {
    const { notebook, shared } = await shareNew('ran = []', 'print(ran)');
    await sharing.setMode(shared, 'ask');
    const agent = await Agent.connect();
    try {
      const denied = agent.execute('ran.append("denied")');
      await until('it waits', () => sharing.model.waiting().length === 1);
      await sharing.answer(sharing.model.waiting()[0]?.approval ?? '', 'deny');
      assert.match(await denied, /denied|said no|not allowed/i);
      const allowed = agent.execute('ran.append("allowed")');
      await until('it waits', () => sharing.model.waiting().length === 1);
      await sharing.answer(sharing.model.waiting()[0]?.approval ?? '', 'once');
      await allowed;
    } finally {
      await agent.close();
    }
    assert.match(await runCell(notebook, 1), /\['allowed'\]/);
  });

  it('runs nothing in the mode Look only, and shows variables all the same', async () => {
    const { shared } = await shareNew('x = 1');
    await sharing.setMode(shared, 'look');
    const agent = await Agent.connect();
    try {
      assert.match(await agent.execute('y = 1'), /look only/i);
      assert.match(await agent.call('list_variables'), /^x:/m);
      assert.doesNotMatch(await agent.call('list_variables'), /^y:/m);
    } finally {
      await agent.close();
    }
  });

  it('holds what comes while it is paused until it is resumed', async () => {
    await shareNew('x = 1');
    const agent = await Agent.connect();
    try {
      await sharing.pause(true);
      const held = agent.execute('print("held")');
      await until('it is queued', () => sharing.model.list()[0]?.state === 'queued');
      await sharing.pause(false);
      assert.match(await held, /held/);
    } finally {
      await agent.close();
    }
  });

  it('adds runs to the notebook as cells in cell mode, and runs them once', async () => {
    const { notebook } = await shareNew('runs = 0');
    const settings = vscode.workspace.getConfiguration('cokernel');
    await settings.update('cellMode', true, vscode.ConfigurationTarget.Global);
    const agent = await Agent.connect();
    try {
      await agent.execute('runs += 1\nprint("runs", runs)');
      await until('the cell is there', () => notebook.cellCount === 2);
      assert.match(textOf(notebook.cellAt(1)), /runs 1/);
      assert.match(await agent.execute('runs'), /\b1\b/);
    } finally {
      await agent.close();
      await settings.update('cellMode', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  it('shares the kernel of an Interactive Window', async () => {
    const code = 'window_value = 7';
    const document = await vscode.workspace.openTextDocument({ language: 'python', content: code });
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('standin.runSelection');
    await until('its cell has run', () => {
      const window = vscode.workspace.notebookDocuments.find(isWindow);
      return window?.getCells().some(({ executionSummary }) => executionSummary?.success) ?? false;
    });
    await vscode.commands.executeCommand('cokernel.share');
    await until('it is shared', () => sharing.shares[0]?.phase === 'shared');
    assert.equal(sharing.shares[0]?.title, 'Interactive-1');
    const { variables } = await sharing.request('variables', {
      share: sharing.shares[0]?.id ?? '',
    });
    assert.ok(variables.some(({ name }) => name === 'window_value'));
  });

  it('offers the shared kernel to the agents of VS Code', async () => {
    const { shared } = await shareNew('x = 41');
    assert.ok(shared.id);
    const found = () => vscode.lm.tools.filter(({ name }) => name.includes('list_variables'));
    const start = () => vscode.commands.executeCommand('workbench.mcp.startServer', '*');
    await until('its server is known', async () => {
      await start();
      return found().length > 0;
    });
    await until('its tools are there', () => found().length > 0);
  });
});

function isWindow({ notebookType }: vscode.NotebookDocument): boolean {
  return notebookType === 'interactive';
}
