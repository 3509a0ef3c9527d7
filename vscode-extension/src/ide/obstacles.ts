/** What is shown when a kernel cannot be shared: one sentence, and the button that mends it. */
import * as vscode from 'vscode';
import { CannotShare, type Obstacle } from '../core/kernel';
import { JUPYTER_ID, type Jupyter } from './jupyter';
import { activeNotebookUri } from './targets';

const START_TIMEOUT_MS = 120_000;

interface Remedy {
  readonly label: string;
  readonly apply: () => Thenable<unknown> | void;
  /** Whether to try sharing again when it was applied. */
  readonly retry: boolean;
}

export class Obstacles {
  constructor(
    private readonly jupyter: Jupyter,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** Tells the person what is in the way; true if it was mended and sharing should be tried again. */
  async explain(error: unknown): Promise<boolean> {
    const { message } = error as Error;
    this.log.warn(`Cannot share: ${message}`);
    const remedies =
      error instanceof CannotShare ? this.remedies(error.obstacle) : [this.showLog()];
    const labels = remedies.map(({ label }) => label);
    const isError = !(error instanceof CannotShare);
    const answer = isError
      ? await vscode.window.showErrorMessage(message, ...labels)
      : await vscode.window.showWarningMessage(message, ...labels);
    const remedy = remedies.find(({ label }) => label === answer);
    await remedy?.apply();
    return remedy?.retry ?? false;
  }

  private remedies(obstacle: Obstacle): Remedy[] {
    switch (obstacle) {
      case 'jupyter-missing':
        return [command('Show Jupyter', 'workbench.extensions.search', `@id:${JUPYTER_ID}`)];
      case 'no-notebook':
        return [command('New Notebook', 'ipynb.newUntitledIpynb')];
      case 'not-started':
        return [{ label: 'Run First Cell', apply: () => this.runFirstCell(), retry: true }];
      case 'permission':
        return [command('Manage Access', 'jupyter.manageAccessToKernels')];
      case 'not-python':
        return [command('Select Kernel', 'notebook.selectKernel')];
      case 'bridge':
        return [
          this.showLog(),
          command('Choose Interpreter', 'workbench.action.openSettings', 'cokernel.interpreter'),
          { label: 'Try Again', apply: () => undefined, retry: true },
        ];
      default:
        return [this.showLog()];
    }
  }

  private showLog(): Remedy {
    return { label: 'Show Log', apply: () => this.log.show(), retry: false };
  }

  /** Runs the first code cell of the notebook in front, and waits until its kernel is there. */
  private async runFirstCell(): Promise<void> {
    const uri = activeNotebookUri();
    const notebook = vscode.workspace.notebookDocuments.find(
      (each) => each.uri.toString() === uri?.toString(),
    );
    const cell = notebook?.getCells().find(({ kind }) => kind === vscode.NotebookCellKind.Code);
    if (notebook === undefined || cell === undefined) return;
    const started = this.kernelStarts(notebook.uri);
    const ranges = [{ start: cell.index, end: cell.index + 1 }];
    await vscode.commands.executeCommand('notebook.cell.execute', {
      ranges,
      document: notebook.uri,
    });
    await started;
  }

  private kernelStarts(uri: vscode.Uri): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        subscription.dispose();
        resolve();
      };
      const timer = setTimeout(done, START_TIMEOUT_MS);
      const subscription = vscode.workspace.onDidChangeNotebookDocument(async (event) => {
        if (event.notebook.uri.toString() !== uri.toString()) return;
        if ((await this.jupyter.kernelOf(uri)) !== undefined) done();
      });
    });
  }
}

function command(label: string, id: string, ...args: unknown[]): Remedy {
  return { label, apply: () => vscode.commands.executeCommand(id, ...args), retry: false };
}
