/** The context keys that menus and views in package.json ask for. */
import * as vscode from 'vscode';
import type { Sharing } from './sharing';
import { activeNotebookUri } from './targets';

export class ContextKeys implements vscode.Disposable {
  private readonly known = new Map<string, boolean>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly sharing: Sharing) {
    const update = (): void => this.update();
    this.subscriptions = [
      sharing.onDidChange(update),
      vscode.window.onDidChangeActiveNotebookEditor(update),
      vscode.window.tabGroups.onDidChangeTabs(update),
    ];
    this.update();
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private update(): void {
    const { shares, model } = this.sharing;
    const active = activeNotebookUri();
    this.set('sharing', shares.length > 0);
    this.set(
      'paused',
      shares.some(({ share }) => share?.paused),
    );
    this.set('running', model.running().length > 0);
    this.set('waiting', model.waiting().length > 0);
    this.set('activity', model.list().length > 0);
    this.set('activeIsShared', active !== undefined && this.isShared(active));
  }

  private isShared(notebook: vscode.Uri): boolean {
    const phase = this.sharing.shareOf(notebook)?.phase;
    return phase !== undefined && phase !== 'locating' && phase !== 'sharing';
  }

  private set(name: string, value: boolean): void {
    if (this.known.get(name) === value) return;
    this.known.set(name, value);
    void vscode.commands.executeCommand('setContext', `cokernel.${name}`, value);
  }
}
