/** What is shown when a kernel cannot be shared: one sentence, and the button that mends it. */
import * as vscode from 'vscode';
import { CannotShare, type Obstacle } from '../core/kernel';
import { JUPYTER_ID, type Jupyter } from './jupyter';

const EXTENSION_ID = 'cokernel.share-kernel-with-claude';
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

  /**
   * Tells the person what is in the way; true if it was mended and should be tried again. `notebook` is the one that
   * was to be shared: another may be in front by the time a button is pressed.
   */
  async explain(error: unknown, notebook?: vscode.Uri): Promise<boolean> {
    const { message } = error as Error;
    this.log.warn(message);
    if (!(error instanceof CannotShare)) {
      return offer([this.showLog()], (labels) =>
        vscode.window.showErrorMessage(message, ...labels),
      );
    }
    // The person knows what they did.
    if (error.obstacle === 'stopped') return false;
    return offer(this.remedies(error.obstacle, notebook), (labels) =>
      vscode.window.showWarningMessage(message, ...labels),
    );
  }

  private remedies(obstacle: Obstacle, notebook: vscode.Uri | undefined): Remedy[] {
    switch (obstacle) {
      case 'jupyter-missing':
        return [command('Show Jupyter', 'workbench.extensions.search', `@id:${JUPYTER_ID}`)];
      case 'no-notebook':
        return [command('New Notebook', 'ipynb.newUntitledIpynb')];
      case 'not-started':
        return [{ label: 'Run First Cell', apply: () => this.runFirstCell(notebook), retry: true }];
      case 'permission':
        return [command('Manage Access', 'jupyter.manageAccessToKernels')];
      case 'not-python':
      case 'remote':
        return [{ label: 'Select Kernel', apply: () => selectKernel(notebook), retry: false }];
      case 'bridge':
        return [
          this.showLog(),
          { label: 'Open Settings', apply: openSettings, retry: false },
          { label: 'Try Again', apply: () => undefined, retry: true },
        ];
      default:
        return [this.showLog()];
    }
  }

  private showLog(): Remedy {
    return { label: 'Show Log', apply: () => this.log.show(), retry: false };
  }

  /** Runs the first code cell of the notebook, and waits until its kernel is there. */
  private async runFirstCell(uri: vscode.Uri | undefined): Promise<void> {
    const notebook = documentOf(uri);
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

async function offer(
  remedies: readonly Remedy[],
  ask: (labels: string[]) => Thenable<string | undefined>,
): Promise<boolean> {
  const answer = await ask(remedies.map(({ label }) => label));
  const remedy = remedies.find(({ label }) => label === answer);
  await remedy?.apply();
  return remedy?.retry ?? false;
}

/** VS Code's picker is about the notebook in front. */
async function selectKernel(uri: vscode.Uri | undefined): Promise<void> {
  const notebook = documentOf(uri);
  if (notebook !== undefined) await vscode.window.showNotebookDocument(notebook);
  // Without an argument the command fails when it is called by an extension.
  await vscode.commands.executeCommand('notebook.selectKernel', {});
}

/** Settings that name programs belong to the machine: on a remote one they are on a page of their own. */
function openSettings(): Thenable<unknown> {
  const isRemote = vscode.env.remoteName !== undefined;
  const page = isRemote ? 'workbench.action.openRemoteSettings' : 'workbench.action.openSettings';
  return vscode.commands.executeCommand(page, { query: `@ext:${EXTENSION_ID}` });
}

function documentOf(uri: vscode.Uri | undefined): vscode.NotebookDocument | undefined {
  return vscode.workspace.notebookDocuments.find((each) => each.uri.toString() === uri?.toString());
}

function command(label: string, id: string, ...args: unknown[]): Remedy {
  return { label, apply: () => vscode.commands.executeCommand(id, ...args), retry: false };
}
