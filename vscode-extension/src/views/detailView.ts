/** "Details": code, output and changes of one call; a call that waits for the person takes its place. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { keyOf } from '../core/activity';
import { isFinal, type Activity, type Output } from '../core/protocol';
import { Refresher } from '../core/refresher';
import {
  describeChange,
  describeQuestion,
  describeState,
  formatTime,
  visibleCode,
} from '../core/words';
import type { Sharing } from '../ide/sharing';
import type { Detail, FromWebview, ToWebview } from './detailMessages';

const VIEW = 'cokernel.detail';

export class DetailView implements vscode.WebviewViewProvider, vscode.Disposable {
  private view: vscode.WebviewView | undefined;
  private chosen: string | undefined;
  private readonly refresher = new Refresher(() => void this.update());
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly sharing: Sharing,
    private readonly act: (message: FromWebview, activity: Activity) => void,
  ) {
    this.subscriptions = [
      vscode.window.registerWebviewViewProvider(VIEW, this, {
        webviewOptions: { retainContextWhenHidden: false },
      }),
      sharing.model.onDidChange(() => this.refresher.within(100)),
      sharing.model.onOutputs(() => this.refresher.within(100)),
    ];
  }

  get isVisible(): boolean {
    return this.view?.visible ?? false;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    const root = vscode.Uri.joinPath(this.extensionUri, 'out', 'webview');
    view.webview.options = { enableScripts: true, localResourceRoots: [root] };
    view.webview.onDidReceiveMessage((message: FromWebview) => this.receive(message));
    view.onDidDispose(() => (this.view = undefined));
    view.webview.html = html(view.webview, root);
  }

  /** Shows a call, and stays with it until another is chosen; from the newest run on it follows. */
  async show(activity: Activity): Promise<void> {
    const newest = this.newestRun();
    const isNewest = newest !== undefined && keyOf(newest) === keyOf(activity);
    this.chosen = isNewest ? undefined : keyOf(activity);
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    await this.update();
  }

  /** Goes to the run that waits for the person, or to the view itself. */
  async review(): Promise<void> {
    this.chosen = undefined;
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    await this.update();
  }

  dispose(): void {
    this.refresher.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private receive(message: FromWebview): void {
    if (message.type === 'ready') {
      void this.update();
      return;
    }
    const activity =
      message.type === 'answer'
        ? this.sharing.model.waiting().find(({ approval }) => approval === message.approval)
        : this.sharing.model.find(message.key);
    if (activity !== undefined) this.act(message, activity);
  }

  private async update(): Promise<void> {
    const activity = this.current();
    const outputs = activity === undefined ? [] : await this.outputsOf(activity);
    const message: ToWebview = {
      type: 'show',
      detail: activity && this.detailOf(activity, outputs),
    };
    await this.view?.webview.postMessage(message);
    if (activity !== undefined && !isFinal(activity)) this.refresher.within(1000);
  }

  /** What waits for the person; else what they chose; else the newest run. */
  private current(): Activity | undefined {
    const { model } = this.sharing;
    const waiting = model.waiting()[0];
    if (waiting !== undefined) return waiting;
    const chosen = this.chosen === undefined ? undefined : model.find(this.chosen);
    return chosen ?? this.newestRun();
  }

  private newestRun(): Activity | undefined {
    return this.sharing.model.list(({ origin, kind }) => origin === 'agent' && kind === 'run')[0];
  }

  private async outputsOf(activity: Activity): Promise<readonly Output[]> {
    try {
      return await this.sharing.outputs.get(activity);
    } catch {
      // The bridge that had them is gone; the call itself is still worth showing.
      return [];
    }
  }

  private detailOf(activity: Activity, outputs: readonly Output[]): Detail {
    const isRun = activity.kind === 'run';
    return {
      key: keyOf(activity),
      caption: captionOf(activity),
      state: describeState(activity, Date.now() / 1000),
      tone: toneOf(activity),
      reason: activity.state === 'queued' ? '' : activity.reason,
      code: visibleCode(activity.code),
      isPython: isRun,
      outputs: withSummary(activity, outputs),
      changes: activity.changes.map(describeChange),
      approval: approvalOf(activity),
      canInterrupt: isRun && activity.origin === 'agent' && isInterruptible(activity),
      canInsert: isRun && this.sharing.uriOf(activity.share) !== undefined,
    };
  }
}

function approvalOf(activity: Activity): Detail['approval'] {
  if (activity.state !== 'waiting_approval') return undefined;
  return { id: activity.approval, question: describeQuestion(activity) };
}

function isInterruptible(activity: Activity): boolean {
  return !isFinal(activity) && activity.state !== 'waiting_approval';
}

function captionOf(activity: Activity): string {
  const who = activity.origin === 'user' ? 'You' : activity.client;
  const what = activity.kind === 'run' ? '' : activity.tool;
  const cell = activity.execution_count === null ? '' : `In [${activity.execution_count}]`;
  const parts = [who, what, activity.kernel, formatTime(activity.created_at), cell];
  return visibleCode(parts.filter(Boolean).join(' · '));
}

function toneOf({ state }: Activity): Detail['tone'] {
  if (state === 'ok') return 'good';
  if (state === 'error' || state === 'failed' || state === 'lost') return 'bad';
  return state === 'running' || state === 'waiting_input' ? 'busy' : 'plain';
}

/** The kernel's own traceback shows every frame of every library; the summary has the person's. */
function withSummary({ error }: Activity, outputs: readonly Output[]): readonly Output[] {
  if (error === null) return outputs;
  return [...outputs.filter(({ kind }) => kind !== 'error'), { kind: 'error', ...error }];
}

function html(webview: vscode.Webview, root: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64');
  const address = (name: string): string =>
    String(webview.asWebviewUri(vscode.Uri.joinPath(root, name)));
  const policy = `default-src 'none'; img-src data:; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="stylesheet" href="${address('detail.css')}">
</head>
<body><main id="root" tabindex="-1"></main><script nonce="${nonce}" src="${address('detail.js')}"></script></body>
</html>`;
}
