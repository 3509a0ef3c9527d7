/** "Activity": what agents did, newest first, with state and duration. */
import * as vscode from 'vscode';
import { keyOf } from '../core/activity';
import { isFinal, type Activity, type ActivityState } from '../core/protocol';
import { describeState, formatTime, headline, visibleCode } from '../core/words';
import { Refresher } from '../core/refresher';
import { readSettings, onSettingsChange } from '../ide/settings';
import type { Sharing } from '../ide/sharing';

/** Rows that are handed to the tree at once: each refresh sends all of them to the window. */
const PAGE = 200;
/** Characters of label and state that a side bar of 250 pixels shows: the state must not be what is cut. */
const ROW_LENGTH = 28;
const SHORTEST_LABEL = 12;

export type ActivityNode =
  | { readonly kind: 'call'; readonly activity: Activity }
  | { readonly kind: 'more'; readonly hidden: number };

export class ActivityView implements vscode.TreeDataProvider<ActivityNode>, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<void>();
  private readonly view: vscode.TreeView<ActivityNode>;
  private readonly subscriptions: vscode.Disposable[];
  private shown = PAGE;
  private progress: (() => void) | undefined;
  private readonly refresher = new Refresher(() => this.update());

  readonly onDidChangeTreeData = this.emitter.event;

  constructor(private readonly sharing: Sharing) {
    this.view = vscode.window.createTreeView('cokernel.activity', { treeDataProvider: this });
    this.subscriptions = [
      this.view,
      sharing.model.onDidChange(() => this.refresher.within(100)),
      onSettingsChange(() => this.refresher.within(100)),
    ];
  }

  getChildren(node?: ActivityNode): ActivityNode[] {
    if (node !== undefined) return [];
    const { showLooks, showCells } = readSettings();
    const all = this.sharing.model.list(
      (each) =>
        (showCells || each.origin === 'agent') &&
        (showLooks || each.kind !== 'look' || each.state === 'failed'),
    );
    const rows: ActivityNode[] = all
      .slice(0, this.shown)
      .map((activity) => ({ kind: 'call', activity }));
    const hidden = all.length - rows.length;
    return hidden > 0 ? [...rows, { kind: 'more', hidden }] : rows;
  }

  getTreeItem(node: ActivityNode): vscode.TreeItem {
    return node.kind === 'call' ? this.callItem(node.activity) : moreItem(node.hidden);
  }

  showMore(): void {
    this.shown += PAGE;
    this.emitter.fire();
  }

  async focus(): Promise<void> {
    const { shares, model } = this.sharing;
    // The list is there once there was something to list; before that, the view that says how to begin.
    const isThere = shares.length > 0 || model.list().length > 0;
    await vscode.commands.executeCommand(`cokernel.${isThere ? 'activity' : 'shares'}.focus`);
  }

  dispose(): void {
    this.refresher.dispose();
    this.progress?.();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private update(): void {
    const { model } = this.sharing;
    const waiting = model.waiting().length;
    this.view.badge =
      waiting > 0 ? { value: waiting, tooltip: 'Claude waits for your answer' } : undefined;
    this.view.message = this.getChildren().length === 0 ? 'Claude has not done anything yet.' : '';
    this.emitter.fire();
    const running = model.running().length > 0;
    this.showProgress(running);
    // Its duration ticks.
    if (running) this.refresher.within(1000);
  }

  private showProgress(running: boolean): void {
    if (running === (this.progress !== undefined)) return;
    if (!running) {
      this.progress?.();
      this.progress = undefined;
      return;
    }
    const ended = new Promise<void>((resolve) => (this.progress = resolve));
    void vscode.window.withProgress({ location: { viewId: 'cokernel.activity' } }, () => ended);
  }

  private callItem(activity: Activity): vscode.TreeItem {
    const description = this.describe(activity);
    const room = Math.max(SHORTEST_LABEL, ROW_LENGTH - description.length);
    const item = new vscode.TreeItem(clip(headline(activity), room));
    item.id = keyOf(activity);
    item.description = description;
    item.iconPath = iconOf(activity);
    item.contextValue = contextOf(activity);
    item.tooltip = tooltipOf(activity);
    item.command = {
      command: 'cokernel.showCall',
      title: 'Show',
      arguments: [{ kind: 'call', activity } satisfies ActivityNode],
    };
    return item;
  }

  private describe(activity: Activity): string {
    const state = describeState(activity, Date.now() / 1000);
    const names = new Set(
      this.sharing.shares.flatMap(({ id }) =>
        id === undefined ? [] : this.sharing.model.clients(id).map(({ name }) => name),
      ),
    );
    const several = names.size > 1 && activity.client !== '';
    return several ? `${activity.client} · ${state}` : state;
  }
}

function clip(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1).trimEnd()}…` : text;
}

function contextOf(activity: Activity): string {
  if (activity.state === 'waiting_approval') return 'call waiting';
  if (activity.kind !== 'run' || activity.origin !== 'agent') return 'look';
  return isFinal(activity) ? 'call' : 'call unfinished';
}

function tooltipOf(activity: Activity): vscode.MarkdownString {
  const who = activity.origin === 'user' ? 'You' : activity.client;
  const text = new vscode.MarkdownString();
  text.appendMarkdown(`**${formatTime(activity.created_at)}** · `);
  const state = describeState(activity, Date.now() / 1000);
  text.appendText(visibleCode(`${who} · ${activity.kernel} · ${state}`));
  if (activity.reason) text.appendText(`\n${activity.reason}`);
  const code = activity.code.length > 2000 ? `${activity.code.slice(0, 2000)}\n…` : activity.code;
  if (code) text.appendCodeblock(visibleCode(code), activity.kind === 'run' ? 'python' : 'text');
  return text;
}

const ICONS: Readonly<Record<ActivityState, readonly [string, string?]>> = {
  queued: ['clock'],
  waiting_approval: ['question', 'notificationsWarningIcon.foreground'],
  running: ['sync~spin', 'testing.iconQueued'],
  waiting_input: ['edit', 'notificationsWarningIcon.foreground'],
  ok: ['check', 'testing.iconPassed'],
  error: ['error', 'testing.iconFailed'],
  interrupted: ['debug-stop', 'descriptionForeground'],
  aborted: ['circle-slash', 'descriptionForeground'],
  denied: ['circle-slash', 'descriptionForeground'],
  restarted: ['debug-restart', 'notificationsWarningIcon.foreground'],
  lost: ['debug-disconnect', 'notificationsWarningIcon.foreground'],
  failed: ['warning', 'notificationsWarningIcon.foreground'],
};

function iconOf(activity: Activity): vscode.ThemeIcon {
  if (activity.state === 'ok' && activity.kind === 'look') {
    return new vscode.ThemeIcon('eye', new vscode.ThemeColor('descriptionForeground'));
  }
  if (activity.state === 'ok' && activity.origin === 'user') return new vscode.ThemeIcon('account');
  const [icon, color] = ICONS[activity.state];
  return new vscode.ThemeIcon(icon, color ? new vscode.ThemeColor(color) : undefined);
}

function moreItem(hidden: number): vscode.TreeItem {
  const item = new vscode.TreeItem(`${hidden} earlier…`);
  item.iconPath = new vscode.ThemeIcon('ellipsis');
  item.command = { command: 'cokernel.showMore', title: 'Show Earlier Calls' };
  return item;
}
