/** "Changed by Claude": the names that agents' runs changed, as they are now. Jupyter's own panel does not follow. */
import * as vscode from 'vscode';
import type { ChangedName } from '../core/activity';
import { isFinal, type Variable } from '../core/protocol';
import { formatTime, headline } from '../core/words';
import type { Sharing } from '../ide/sharing';

export type ChangesNode =
  | { readonly kind: 'share'; readonly share: string; readonly title: string }
  | { readonly kind: 'name'; readonly changed: ChangedName };

export class ChangesView implements vscode.TreeDataProvider<ChangesNode>, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<void>();
  private readonly view: vscode.TreeView<ChangesNode>;
  private readonly subscriptions: vscode.Disposable[];
  /** Share → name → as it was when it was last looked at. */
  private readonly values = new Map<string, Map<string, Variable>>();
  private readonly looking = new Set<string>();

  readonly onDidChangeTreeData = this.emitter.event;

  constructor(
    private readonly sharing: Sharing,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.view = vscode.window.createTreeView('cokernel.changes', { treeDataProvider: this });
    this.subscriptions = [
      this.view,
      sharing.model.onDidChange(() => this.refresh()),
      // The person's own cells change values too, so any end of a run is a reason to look again.
      sharing.model.onActivity((activity) => {
        if (activity.kind === 'run' && isFinal(activity)) void this.look(activity.share);
      }),
    ];
  }

  getChildren(node?: ChangesNode): ChangesNode[] {
    const shares = this.sharing.shares.flatMap(({ id, title }) =>
      id ? [{ share: id, title }] : [],
    );
    const [only, ...others] = shares;
    if (only === undefined) return [];
    if (node === undefined && others.length > 0) {
      return shares.map((each) => ({ kind: 'share', ...each }));
    }
    if (node?.kind === 'name') return [];
    const share = node?.share ?? only.share;
    return this.sharing.model.changes(share).map((changed) => ({ kind: 'name', changed }));
  }

  getTreeItem(node: ChangesNode): vscode.TreeItem {
    if (node.kind === 'name') return this.nameItem(node.changed);
    const item = new vscode.TreeItem(node.title, vscode.TreeItemCollapsibleState.Expanded);
    item.iconPath = new vscode.ThemeIcon('notebook');
    return item;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private refresh(): void {
    const none = this.getChildren().length === 0;
    this.view.message = none ? 'Names that Claude changes show up here.' : '';
    this.emitter.fire();
  }

  private async look(share: string): Promise<void> {
    if (this.looking.has(share) || this.sharing.model.changes(share).length === 0) return;
    this.looking.add(share);
    try {
      const { variables } = await this.sharing.request('variables', { share });
      this.values.set(share, new Map(variables.map((each) => [each.name, each])));
    } catch (error) {
      this.log.debug(`Variables of ${share}: ${String(error)}`);
    } finally {
      this.looking.delete(share);
    }
    this.refresh();
  }

  private nameItem({ share, change, activity }: ChangedName): vscode.TreeItem {
    const value = this.values.get(share)?.get(change.name);
    const item = new vscode.TreeItem(change.name);
    item.id = `${share} ${change.name}`;
    item.contextValue = 'name';
    item.description = describe(change.how, change.detail, value);
    item.iconPath = iconOf(change.how);
    item.tooltip = tooltipOf({ share, change, activity }, value);
    item.command = {
      command: 'cokernel.showCall',
      title: 'Show the run that changed it',
      arguments: [{ kind: 'call', activity }],
    };
    return item;
  }
}

function describe(how: string, detail: string, value: Variable | undefined): string {
  if (how === 'removed') return 'removed';
  const type = value?.type.split('.').at(-1);
  const now = value ? [type, value.shape].filter(Boolean).join(' ') : detail;
  const preview = value?.preview && !value.shape ? ` = ${value.preview}` : '';
  return `${now}${preview}`;
}

const ICONS: Readonly<Record<string, readonly [string, string]>> = {
  new: ['diff-added', 'gitDecoration.addedResourceForeground'],
  removed: ['diff-removed', 'gitDecoration.deletedResourceForeground'],
  rebound: ['diff-modified', 'gitDecoration.modifiedResourceForeground'],
  mutated: ['diff-modified', 'gitDecoration.modifiedResourceForeground'],
};

function iconOf(how: string): vscode.ThemeIcon {
  const [icon, color] = ICONS[how] ?? ['diff-ignored', 'descriptionForeground'];
  return new vscode.ThemeIcon(icon, new vscode.ThemeColor(color));
}

function tooltipOf(changed: ChangedName, value: Variable | undefined): vscode.MarkdownString {
  const { change, activity } = changed;
  const text = new vscode.MarkdownString();
  const how = change.how === 'possibly' ? 'possibly changed' : change.how;
  text.appendMarkdown(`**${formatTime(activity.created_at)}** · `);
  text.appendText(`${how} by ${activity.client}: ${change.detail}`);
  if (value?.preview) text.appendCodeblock(value.preview, 'text');
  text.appendCodeblock(headline(activity), 'python');
  return text;
}
