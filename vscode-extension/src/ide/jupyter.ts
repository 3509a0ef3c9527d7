/** The Jupyter extension, as little of it as is needed: the kernel of a notebook, and code run in it with permission. */
import * as vscode from 'vscode';
import {
  CannotShare,
  LOCATE_CODE,
  readLocation,
  type Kernel,
  type KernelLocation,
  type KernelStatus,
} from '../core/kernel';

export const JUPYTER_ID = 'ms-toolsai.jupyter';

/** The stable part of the Jupyter extension's API that is used here. */
interface JupyterApi {
  readonly kernels: { getKernel(uri: vscode.Uri): Thenable<JupyterKernel | undefined> };
}

interface JupyterKernel {
  readonly status: KernelStatus;
  readonly language: string;
  readonly onDidChangeStatus: vscode.Event<KernelStatus>;
  executeCode(code: string, token: vscode.CancellationToken): AsyncIterable<JupyterOutput>;
}

interface JupyterOutput {
  readonly items: readonly { readonly mime: string; readonly data: Uint8Array }[];
}

/** `name` of the error that a refused permission throws. */
const ACCESS_REVOKED = 'vscode.jupyter.apiAccessRevoked';
const STDOUT_MIME = 'application/vnd.code.notebook.stdout';

export class Jupyter {
  /** One wrapper for each kernel, so that the same kernel is recognised. */
  private readonly wrappers = new WeakMap<JupyterKernel, Kernel>();

  get isInstalled(): boolean {
    return vscode.extensions.getExtension(JUPYTER_ID) !== undefined;
  }

  get version(): string {
    const found = vscode.extensions.getExtension(JUPYTER_ID);
    return (found?.packageJSON as { version?: string } | undefined)?.version ?? 'not installed';
  }

  /**
   * The kernel of a notebook or Interactive Window; undefined until the person has started it. Never asks anything.
   * Throws `CannotShare` if the Jupyter extension is missing.
   */
  async kernelOf(uri: vscode.Uri): Promise<Kernel | undefined> {
    const extension = vscode.extensions.getExtension<JupyterApi>(JUPYTER_ID);
    if (extension === undefined) {
      throw new CannotShare(
        'jupyter-missing',
        'Kernels come from the Jupyter extension, which is not installed. Install it, run a cell, and share again.',
      );
    }
    const api = await extension.activate();
    const kernel = await api.kernels.getKernel(uri);
    return kernel && this.wrap(kernel);
  }

  private wrap(kernel: JupyterKernel): Kernel {
    const known = this.wrappers.get(kernel);
    if (known !== undefined) return known;
    // Never spread or enumerated: other getters of a Jupyter kernel throw.
    const wrapper: Kernel = {
      identity: kernel,
      language: kernel.language,
      get status() {
        return kernel.status;
      },
      onDidChangeStatus: (listener) => kernel.onDidChangeStatus(listener),
      locate: () => locate(kernel),
    };
    this.wrappers.set(kernel, wrapper);
    return wrapper;
  }
}

async function locate(kernel: JupyterKernel): Promise<KernelLocation> {
  // Never cancelled: cancelling would interrupt the kernel, which may by then be busy with the user's cell.
  const uncancelled = new vscode.CancellationTokenSource();
  try {
    return readLocation(await printed(kernel, LOCATE_CODE, uncancelled.token));
  } catch (error) {
    throw explain(error as Error);
  } finally {
    uncancelled.dispose();
  }
}

async function printed(
  kernel: JupyterKernel,
  code: string,
  token: vscode.CancellationToken,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const output of kernel.executeCode(code, token)) {
    for (const item of output.items) {
      if (item.mime === STDOUT_MIME) text += decoder.decode(item.data);
    }
  }
  return text;
}

function explain(error: Error): CannotShare {
  if (error instanceof CannotShare) return error;
  if (error.name === ACCESS_REVOKED) {
    return new CannotShare(
      'permission',
      'The Jupyter extension was not allowed to hand over its kernel. Allow it under Manage Access, then share again.',
    );
  }
  return new CannotShare(
    'no-answer',
    `The kernel did not say where it is (${error.message}). Restart it, run a cell, and share again.`,
  );
}
