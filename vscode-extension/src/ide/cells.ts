/** Puts runs of agents into the notebook as cells, with their outputs. Nothing runs again. */
import * as vscode from 'vscode';
import { isFinal, type Activity, type Output } from '../core/protocol';
import { readSettings } from './settings';
import type { Sharing } from './sharing';

const BINARY = /^(image\/(?!svg)|application\/pdf)/;

export class Cells implements vscode.Disposable {
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly sharing: Sharing,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.subscription = sharing.model.onActivity((activity) => {
      if (readSettings().cellMode && isRunThatEnded(activity)) {
        this.insert(activity).catch((error: unknown) => this.log.error(String(error)));
      }
    });
  }

  /** Adds a run to the end of its notebook. */
  async insert(activity: Activity): Promise<void> {
    const uri = this.sharing.uriOf(activity.share);
    const notebook = vscode.workspace.notebookDocuments.find(
      (each) => each.uri.toString() === uri?.toString(),
    );
    if (notebook === undefined) return;
    const cell = await this.cellOf(activity);
    const edit = new vscode.WorkspaceEdit();
    edit.set(notebook.uri, [vscode.NotebookEdit.insertCells(notebook.cellCount, [cell])]);
    await vscode.workspace.applyEdit(edit);
  }

  dispose(): void {
    this.subscription.dispose();
  }

  private async cellOf(activity: Activity): Promise<vscode.NotebookCellData> {
    const cell = new vscode.NotebookCellData(vscode.NotebookCellKind.Code, activity.code, 'python');
    cell.outputs = (await this.sharing.outputs.get(activity)).map(toNotebook);
    cell.metadata = { cokernel: { client: activity.client } };
    const { execution_count: order, started_at: started, finished_at: finished } = activity;
    cell.executionSummary = {
      success: activity.state === 'ok',
      ...(order === null ? {} : { executionOrder: order }),
      ...(started === null || finished === null
        ? {}
        : { timing: { startTime: started * 1000, endTime: finished * 1000 } }),
    };
    return cell;
  }
}

function isRunThatEnded(activity: Activity): boolean {
  const ran =
    activity.origin === 'agent' && activity.kind === 'run' && activity.started_at !== null;
  return ran && isFinal(activity);
}

function toNotebook(output: Output): vscode.NotebookCellOutput {
  const { NotebookCellOutputItem: Item } = vscode;
  if (output.kind === 'stream') {
    const item = output.name === 'stderr' ? Item.stderr(output.text) : Item.stdout(output.text);
    return new vscode.NotebookCellOutput([item]);
  }
  if (output.kind === 'error') {
    const { ename: name, evalue: message, traceback: stack } = output;
    return new vscode.NotebookCellOutput([Item.error({ name, message, stack })]);
  }
  const items = Object.entries(output.data).map(([mime, data]) =>
    BINARY.test(mime) ? new Item(Buffer.from(data, 'base64'), mime) : Item.text(data, mime),
  );
  return new vscode.NotebookCellOutput(items);
}
