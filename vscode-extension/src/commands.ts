/** What people can do, under the names that package.json contributes. */
import * as vscode from 'vscode';
import { MODES, type Activity, type Mode } from './core/protocol';
import type { SharedKernel } from './core/shares';
import { MODE_DETAILS, MODE_LABELS } from './core/words';
import { connect } from './ide/connect';
import type { DiagnosisPage } from './ide/diagnose';
import type { Cells } from './ide/cells';
import type { Jupyter } from './ide/jupyter';
import type { Obstacles } from './ide/obstacles';
import type { BridgePython } from './ide/python';
import { readSettings, toggle } from './ide/settings';
import type { Sharing } from './ide/sharing';
import { activeNotebookUri, chooseTarget, requireUsable } from './ide/targets';
import type { ActivityNode, ActivityView } from './views/activityView';
import type { ChangesNode } from './views/changesView';
import type { FromWebview } from './views/detailMessages';
import type { DetailView } from './views/detailView';
import type { SharesNode } from './views/sharesView';

export interface Parts {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly jupyter: Jupyter;
  readonly diagnosis: DiagnosisPage;
  readonly python: BridgePython;
  readonly sharing: Sharing;
  readonly obstacles: Obstacles;
  readonly cells: Cells;
  readonly activityView: ActivityView;
  readonly detailView: DetailView;
}

export class Commands implements vscode.Disposable {
  private readonly subscriptions: vscode.Disposable[] = [];

  constructor(private readonly parts: Parts) {
    this.registerSharing();
    this.registerWatching();
    this.registerHelp();
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private registerSharing(): void {
    const { sharing } = this.parts;
    this.add('share', (from?: unknown) => this.share(notebookOf(from)));
    this.add('stop', (node?: SharesNode) => this.stop(sharedOf(node)));
    this.add('interrupt', (node?: ActivityNode) => this.interrupt(activityOf(node)));
    this.add('pause', () => sharing.pause(true));
    this.add('resume', () => sharing.pause(false));
    this.add('setMode', (node?: SharesNode) => this.setMode(sharedOf(node)));
    this.add('menu', () => this.menu());
  }

  private registerWatching(): void {
    const { activityView, detailView, sharing, cells } = this.parts;
    this.add('showActivity', () => activityView.focus());
    this.add('review', () => detailView.review());
    this.add('showCall', async (node?: ActivityNode) => {
      const activity = activityOf(node);
      if (activity) await detailView.show(activity);
    });
    this.add('showMore', () => activityView.showMore());
    this.add('clearActivity', () => sharing.model.clear());
    this.add('toggleLooks', () => toggle('activity.showLooks'));
    this.add('toggleCells', () => toggle('activity.showCells'));
    this.add('insertCell', async (node?: ActivityNode) => {
      const activity = activityOf(node);
      if (activity) await cells.insert(activity);
    });
    this.add('copyCode', (node?: ActivityNode) =>
      vscode.env.clipboard.writeText(activityOf(node)?.code ?? ''),
    );
    this.add('copyName', (node?: ChangesNode) =>
      vscode.env.clipboard.writeText(node?.kind === 'name' ? node.changed.change.name : ''),
    );
  }

  private registerHelp(): void {
    const { context, log, python, diagnosis } = this.parts;
    this.add('connect', () => connect(python));
    this.add('diagnose', () => diagnosis.show());
    this.add('showLog', () => log.show());
    this.add('openWalkthrough', () =>
      vscode.commands.executeCommand(
        'workbench.action.openWalkthrough',
        `${context.extension.id}#start`,
      ),
    );
  }

  /** An error of any command is shown; none is lost. */
  private add<A extends unknown[]>(name: string, act: (...args: A) => unknown): void {
    const run = async (...args: A): Promise<void> => {
      try {
        await act(...args);
      } catch (error) {
        if (await this.parts.obstacles.explain(error)) await run(...args);
      }
    };
    this.subscriptions.push(vscode.commands.registerCommand(`cokernel.${name}`, run));
  }

  private async share(wanted: vscode.Uri | undefined): Promise<void> {
    const { jupyter, sharing, obstacles, detailView } = this.parts;
    let notebook = wanted ?? activeNotebookUri();
    try {
      const target = await chooseTarget(jupyter, notebook);
      if (target === undefined) return;
      notebook = target.uri;
      requireUsable(target);
      if (sharing.shareOf(target.uri) !== undefined) {
        await this.menu();
        return;
      }
      const done = sharing.share(target, readSettings().mode);
      await withProgress(`Sharing ${target.title} with Claude`, done);
      if (!detailView.isVisible) await vscode.commands.executeCommand('cokernel.shares.focus');
    } catch (error) {
      if (await obstacles.explain(error, notebook)) await this.share(notebook);
    }
  }

  private async stop(shared: SharedKernel | undefined): Promise<void> {
    const { sharing } = this.parts;
    const chosen = shared ?? (await this.chooseShare('Stop Sharing'));
    if (chosen) await sharing.stop(chosen, `Sharing of ${chosen.title} was stopped.`);
  }

  private async interrupt(activity: Activity | undefined): Promise<void> {
    const { sharing } = this.parts;
    const stopped = await sharing.interrupt(activity?.share, activity?.number);
    if (stopped > 0) return;
    // The row may have been a moment behind.
    const what = activity ? 'This run has ended already.' : 'Claude is not running anything.';
    void vscode.window.showInformationMessage(what);
  }

  private async setMode(shared: SharedKernel | undefined): Promise<void> {
    const chosen = shared ?? (await this.chooseShare('Set Mode'));
    if (chosen === undefined) return;
    const picked = await vscode.window.showQuickPick(
      MODES.map((mode) => modeItem(mode, chosen)),
      {
        title: `What may Claude do in ${chosen.title}?`,
      },
    );
    if (picked) await this.parts.sharing.setMode(chosen, picked.mode);
  }

  /** The only share, or the one of the notebook in front, or the one the person picks. */
  private async chooseShare(title: string): Promise<SharedKernel | undefined> {
    const { sharing } = this.parts;
    const [only, ...others] = sharing.shares;
    if (only === undefined) {
      void vscode.window.showInformationMessage('No kernel is shared with Claude.');
      return undefined;
    }
    if (others.length === 0) return only;
    const active = activeNotebookUri();
    const inFront = active && sharing.shareOf(active);
    if (inFront) return inFront;
    const items = sharing.shares.map((shared) => ({ label: shared.title, shared }));
    return (await vscode.window.showQuickPick(items, { title }))?.shared;
  }

  private async menu(): Promise<void> {
    const items = menuItems(this.parts.sharing);
    const picked = await vscode.window.showQuickPick(items, { title: 'Share Kernel with Claude' });
    if (picked?.command) await vscode.commands.executeCommand(picked.command);
  }
}

/** What a button of the details asks for. */
export function actOnDetail(parts: Pick<Parts, 'sharing' | 'cells' | 'log'>) {
  return (message: FromWebview, activity: Activity): void => {
    const { sharing, cells, log } = parts;
    const work = async (): Promise<unknown> => {
      if (message.type === 'answer') return sharing.answer(message.approval, message.answer);
      if (message.type === 'interrupt') return sharing.interrupt(activity.share, activity.number);
      if (message.type === 'insert') return cells.insert(activity);
      return vscode.env.clipboard.writeText(activity.code);
    };
    work().catch((error: unknown) => {
      log.error(String(error));
      void vscode.window.showErrorMessage((error as Error).message);
    });
  };
}

interface MenuItem extends vscode.QuickPickItem {
  readonly command?: string;
}

function menuItems(sharing: Sharing): MenuItem[] {
  const { shares, model } = sharing;
  const paused = shares.some(({ share }) => share?.paused);
  const item = (when: boolean, label: string, command: string): MenuItem[] =>
    when ? [{ label, command: `cokernel.${command}` }] : [];
  const isSharing = shares.length > 0;
  return [
    ...item(model.waiting().length > 0, '$(question) Review What Claude Wants to Run', 'review'),
    ...item(model.running().length > 0, "$(debug-stop) Interrupt Claude's Run", 'interrupt'),
    ...item(isSharing, '$(list-unordered) Show Claude Activity', 'showActivity'),
    ...item(isSharing, '$(shield) Set Mode…', 'setMode'),
    ...item(isSharing && !paused, '$(debug-pause) Pause', 'pause'),
    ...item(isSharing && paused, '$(play) Resume', 'resume'),
    ...item(isSharing, '$(debug-disconnect) Stop Sharing', 'stop'),
    ...item(!isSharing, '$(broadcast) Share Kernel with Claude', 'share'),
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    ...item(true, '$(plug) Connect Claude Code…', 'connect'),
    ...item(true, '$(book) Get Started', 'openWalkthrough'),
    ...item(true, '$(pulse) Diagnose', 'diagnose'),
  ];
}

function modeItem(mode: Mode, shared: SharedKernel): vscode.QuickPickItem & { mode: Mode } {
  const isCurrent = shared.share?.mode === mode;
  const description = isCurrent ? 'current' : '';
  return { label: MODE_LABELS[mode], detail: MODE_DETAILS[mode], description, mode };
}

function withProgress<T>(title: string, work: Promise<T>): Thenable<T> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title },
    () => work,
  );
}

function sharedOf(node: SharesNode | undefined): SharedKernel | undefined {
  return node?.kind === 'share' ? node.shared : undefined;
}

function activityOf(node: ActivityNode | undefined): Activity | undefined {
  return node?.kind === 'call' ? node.activity : undefined;
}

/** The notebook whose toolbar the command came from. */
function notebookOf(from: unknown): vscode.Uri | undefined {
  if (from instanceof vscode.Uri) return from;
  const editor = (from as { notebookEditor?: { notebookUri?: unknown } } | undefined)
    ?.notebookEditor;
  return editor?.notebookUri instanceof vscode.Uri ? editor.notebookUri : undefined;
}
