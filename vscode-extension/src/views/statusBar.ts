/** The status bar item: one short text, the whole state in the tooltip, the menu behind a click. */
import * as vscode from 'vscode';
import { summarize, type Attention, type Summary } from '../core/summary';
import type { Sharing } from '../ide/sharing';

const ICONS: Readonly<Record<Attention, string>> = {
  off: 'debug-disconnect',
  starting: 'loading~spin',
  sharing: 'broadcast',
  running: 'sync~spin',
  waiting: 'question',
  trouble: 'warning',
};

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    'status',
    vscode.StatusBarAlignment.Right,
    90,
  );
  /** Beside it while an agent's run is going: how to stop that must not need looking for. */
  private readonly stop = vscode.window.createStatusBarItem(
    'interrupt',
    vscode.StatusBarAlignment.Right,
    89,
  );
  private readonly subscription: vscode.Disposable;
  private tick: NodeJS.Timeout | undefined;

  constructor(private readonly sharing: Sharing) {
    this.item.name = 'Share Kernel with Claude';
    this.stop.name = "Interrupt Claude's Run";
    this.stop.text = '$(debug-stop) Stop';
    this.stop.tooltip = "Interrupt Claude's run; your own cells go on";
    this.stop.command = 'cokernel.interrupt';
    this.subscription = sharing.onDidChange(() => this.update());
    this.update();
    this.item.show();
  }

  dispose(): void {
    clearTimeout(this.tick);
    this.subscription.dispose();
    this.item.dispose();
    this.stop.dispose();
  }

  private update(): void {
    const { shares, model } = this.sharing;
    const summary = summarize(shares, model, Date.now() / 1000);
    this.item.text = `$(${ICONS[summary.attention]}) ${summary.text}`;
    this.item.tooltip = tooltipOf(summary);
    this.item.accessibilityInformation = { label: summary.sentence, role: 'button' };
    // Waiting for the person is the only state that may ask for attention.
    this.item.backgroundColor =
      summary.attention === 'waiting'
        ? new vscode.ThemeColor('statusBarItem.warningBackground')
        : undefined;
    this.item.command = summary.attention === 'waiting' ? 'cokernel.review' : 'cokernel.menu';
    clearTimeout(this.tick);
    if (summary.attention === 'running') {
      this.stop.show();
      this.tick = setTimeout(() => this.update(), 1000);
    } else this.stop.hide();
  }
}

function tooltipOf(summary: Summary): vscode.MarkdownString {
  const text = new vscode.MarkdownString('', true);
  text.isTrusted = {
    enabledCommands: [
      'cokernel.showActivity',
      'cokernel.interrupt',
      'cokernel.share',
      'cokernel.stop',
      'cokernel.review',
    ],
  };
  text.appendText(summary.sentence);
  text.appendMarkdown(`\n\n${linksFor(summary.attention).join(' &nbsp;|&nbsp; ')}`);
  return text;
}

function linksFor(attention: Attention): string[] {
  const show = '[Show Activity](command:cokernel.showActivity)';
  const stop = '[Stop Sharing](command:cokernel.stop)';
  if (attention === 'off') return ['[Share Kernel with Claude](command:cokernel.share)'];
  if (attention === 'running') return ['[Interrupt](command:cokernel.interrupt)', show, stop];
  if (attention === 'waiting') return ['[Review](command:cokernel.review)', stop];
  return [show, stop];
}
