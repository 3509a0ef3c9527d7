/** Share Kernel with Claude: wires the parts together and hands them to VS Code to dispose of. */
import * as vscode from 'vscode';
import { Commands, actOnDetail } from './commands';
import { Attention } from './ide/attention';
import { Cells } from './ide/cells';
import { ContextKeys } from './ide/context';
import { DiagnosisPage } from './ide/diagnose';
import { Jupyter } from './ide/jupyter';
import { McpProvider } from './ide/mcpProvider';
import { Obstacles } from './ide/obstacles';
import { BridgePython } from './ide/python';
import { Sharing } from './ide/sharing';
import { ActivityView } from './views/activityView';
import { ChangesView } from './views/changesView';
import { DetailView } from './views/detailView';
import { SharesView } from './views/sharesView';
import { StatusBar } from './views/statusBar';

/** `deactivate` is called without arguments: this is how it finds what to end. */
let sharing: Sharing | undefined;

/** Hands out `Sharing` to the tests in the extension host; other extensions get nothing. */
export function activate(context: vscode.ExtensionContext): Sharing | undefined {
  const log = vscode.window.createOutputChannel('Share Kernel with Claude', { log: true });
  const jupyter = new Jupyter();
  const python = new BridgePython(context, log);
  sharing = new Sharing(jupyter, python, log);
  const obstacles = new Obstacles(jupyter, log);
  const cells = new Cells(sharing, log);
  const activityView = new ActivityView(sharing);
  const act = actOnDetail({ sharing, cells, log });
  const detailView = new DetailView(context.extensionUri, sharing, act);
  const diagnosis = new DiagnosisPage({ context, jupyter, python, sharing });
  const parts = {
    context,
    log,
    diagnosis,
    jupyter,
    python,
    sharing,
    obstacles,
    cells,
    activityView,
    detailView,
  };
  context.subscriptions.push(
    log,
    sharing,
    diagnosis,
    cells,
    new SharesView(sharing),
    activityView,
    detailView,
    new ChangesView(sharing, log),
    new StatusBar(sharing),
    new Attention(sharing, detailView),
    new ContextKeys(sharing),
    new McpProvider(sharing),
    new Commands(parts),
  );
  return context.extensionMode === vscode.ExtensionMode.Test ? sharing : undefined;
}

/** VS Code waits for this: the records are gone and the bridge has ended when the window closes. */
export async function deactivate(): Promise<void> {
  await sharing?.stopAll('VS Code was closed.');
}
