/** Which notebook or Interactive Window is meant, and what it is called. */
import path from 'node:path';
import * as vscode from 'vscode';
import { CannotShare, type Kernel } from '../core/kernel';
import type { Jupyter } from './jupyter';

const NOTEBOOK_TYPES = new Set(['jupyter-notebook', 'interactive']);

/** A notebook whose kernel can be shared. */
export interface Target {
  readonly uri: vscode.Uri;
  readonly title: string;
  readonly kernel: Kernel;
}

/** `analysis.ipynb`, `Interactive-1`. */
export function titleOf(uri: vscode.Uri): string {
  return path.posix.basename(uri.path).replace(/\.interactive$/, '');
}

export function isJupyter(notebook: vscode.NotebookDocument): boolean {
  return NOTEBOOK_TYPES.has(notebook.notebookType);
}

/** The notebook or Interactive Window in front; undefined if there is none. */
export function activeNotebookUri(): vscode.Uri | undefined {
  const active = vscode.window.activeNotebookEditor?.notebook;
  if (active !== undefined && isJupyter(active)) return active.uri;
  // With the caret in a .py file the Interactive Window beside it is what the person works in.
  const tabs = vscode.window.tabGroups.all.map((group) => group.activeTab?.input);
  return tabs.map(notebookOfTab).find((uri) => uri !== undefined);
}

function notebookOfTab(input: unknown): vscode.Uri | undefined {
  if (input instanceof vscode.TabInputNotebook) {
    return NOTEBOOK_TYPES.has(input.notebookType) ? input.uri : undefined;
  }
  // The class of an Interactive Window's input is not part of the stable API; its address is.
  const { uri } = (input ?? {}) as { uri?: unknown };
  return uri instanceof vscode.Uri && uri.path.endsWith('.interactive') ? uri : undefined;
}

/**
 * The notebook that is `wanted`, else the one the person picks where there are several.
 * Undefined if they picked none. Throws `CannotShare` if there is none with a kernel.
 */
export async function chooseTarget(
  jupyter: Jupyter,
  wanted: vscode.Uri | undefined,
): Promise<Target | undefined> {
  if (wanted === undefined) return chooseAmong(await startedTargets(jupyter));
  const kernel = await jupyter.kernelOf(wanted);
  if (kernel === undefined) throw notStarted(titleOf(wanted));
  return { uri: wanted, title: titleOf(wanted), kernel };
}

/** Throws `CannotShare` unless it is a Python kernel that lives. */
export function requireUsable(target: Target): void {
  const { language, status } = target.kernel;
  if (language.toLowerCase() !== 'python') {
    throw new CannotShare(
      'not-python',
      `The kernel of ${target.title} speaks ${language}; only Python kernels can be shared. Choose a Python kernel and share again.`,
    );
  }
  if (status === 'dead' || status === 'terminating') throw notStarted(target.title);
}

/** Every open notebook whose kernel was started. */
export async function startedTargets(jupyter: Jupyter): Promise<Target[]> {
  const targets: Target[] = [];
  for (const { uri } of vscode.workspace.notebookDocuments.filter(isJupyter)) {
    const kernel = await jupyter.kernelOf(uri);
    if (kernel) targets.push({ uri, title: titleOf(uri), kernel });
  }
  return targets;
}

async function chooseAmong(targets: readonly Target[]): Promise<Target | undefined> {
  const [only, ...others] = targets;
  if (only === undefined) {
    throw new CannotShare(
      'no-notebook',
      'There is no notebook with a running kernel. Open a notebook, run a cell, and share again.',
    );
  }
  if (others.length === 0) return only;
  const picked = await vscode.window.showQuickPick(targets.map(item), {
    title: 'Share Kernel with Claude',
    placeHolder: 'Which kernel?',
  });
  return picked?.target;
}

function item(target: Target): vscode.QuickPickItem & { target: Target } {
  return {
    label: target.title,
    description: target.kernel.status,
    detail: vscode.workspace.asRelativePath(target.uri),
    iconPath: new vscode.ThemeIcon('notebook'),
    target,
  };
}

function notStarted(title: string): CannotShare {
  return new CannotShare(
    'not-started',
    `${title} has no running kernel yet. Run a cell first, then share.`,
  );
}
