/** "Shared Kernels": each shared notebook with its mode, and under it the agents that are connected. */
import * as vscode from 'vscode';
import type { Client } from '../core/protocol';
import type { SharedKernel } from '../core/shares';
import { MODE_LABELS, count, describeShare, formatTime } from '../core/words';
import type { Sharing } from '../ide/sharing';

export type SharesNode =
  | { readonly kind: 'share'; readonly shared: SharedKernel }
  | { readonly kind: 'client'; readonly client: Client }
  | { readonly kind: 'note'; readonly text: string };

export class SharesView implements vscode.TreeDataProvider<SharesNode>, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<void>();
  private readonly view: vscode.TreeView<SharesNode>;
  private readonly subscriptions: vscode.Disposable[];

  readonly onDidChangeTreeData = this.emitter.event;

  constructor(private readonly sharing: Sharing) {
    this.view = vscode.window.createTreeView('cokernel.shares', { treeDataProvider: this });
    this.subscriptions = [this.view, sharing.onDidChange(() => this.refresh())];
  }

  getChildren(node?: SharesNode): SharesNode[] {
    if (node === undefined) {
      return this.sharing.shares.map((shared) => ({ kind: 'share', shared }));
    }
    return node.kind === 'share' ? this.below(node.shared) : [];
  }

  getTreeItem(node: SharesNode): vscode.TreeItem {
    if (node.kind === 'share') return this.shareItem(node.shared);
    if (node.kind === 'client') return clientItem(node.client);
    const item = new vscode.TreeItem(node.text);
    item.tooltip = node.text;
    item.iconPath = new vscode.ThemeIcon('info');
    return item;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private refresh(): void {
    // A row would cut the sentence before the part that says what to do.
    const problems = this.sharing.shares.map(({ problem }) => problem).filter(Boolean);
    this.view.message = problems.join('\n');
    this.emitter.fire();
  }

  private below(shared: SharedKernel): SharesNode[] {
    const clients = shared.id === undefined ? [] : this.sharing.model.clients(shared.id);
    if (clients.length > 0) return clients.map((client) => ({ kind: 'client', client }));
    if (shared.phase !== 'shared') return [];
    return [{ kind: 'note', text: 'No agent is connected yet' }];
  }

  private shareItem(shared: SharedKernel): vscode.TreeItem {
    const item = new vscode.TreeItem(shared.title, vscode.TreeItemCollapsibleState.Expanded);
    item.id = this.sharing.uriOf(shared.id ?? '')?.toString() ?? shared.title;
    item.contextValue = 'share';
    item.description = describePhase(shared);
    item.iconPath = iconOf(shared);
    const { share, location } = shared;
    const lines = [
      shared.problem || (share && describeShare(share)),
      `Python: ${location?.executable ?? ''}`,
    ];
    item.tooltip = [shared.title, ...lines.filter(Boolean)].join('\n');
    return item;
  }
}

function describePhase(shared: SharedKernel): string {
  const { phase, share } = shared;
  if (phase === 'locating') return 'waiting for the kernel';
  if (phase === 'sharing') return 'starting';
  if (phase === 'restarting') return 'restarting';
  if (phase === 'lost') return 'lost';
  const paused = share?.paused ? 'paused · ' : '';
  return share ? `${paused}${MODE_LABELS[share.mode]}` : '';
}

function iconOf(shared: SharedKernel): vscode.ThemeIcon {
  const { phase, share } = shared;
  if (phase === 'restarting') return new vscode.ThemeIcon('loading~spin');
  if (phase === 'lost' || share?.state === 'dead' || share?.state === 'silent') {
    return new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  }
  if (phase !== 'shared') return new vscode.ThemeIcon('loading~spin');
  return new vscode.ThemeIcon(share?.paused ? 'debug-pause' : 'notebook');
}

function clientItem(client: Client): vscode.TreeItem {
  const item = new vscode.TreeItem(client.name);
  const since = formatTime(client.since).slice(0, 5);
  item.description = `${count(client.runs, 'run')} · ${since}`;
  item.iconPath = new vscode.ThemeIcon('circle-filled', new vscode.ThemeColor('charts.green'));
  item.tooltip = `${client.name} ${client.version}, connected since ${since}`;
  return item;
}
