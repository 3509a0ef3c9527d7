/**
 * Which notebook took the place of one that was closed.
 *
 * VS Code has no event for "saved under another name" or "renamed": the notebook of the new name is opened, and the old
 * one is closed right after it, with the same cells.
 */
import type * as vscode from 'vscode';

/** The old notebook is closed this much later at most; a copy that is opened by hand stays longer beside it. */
const MAX_DELAY_MS = 10_000;

export class Renames {
  private newest: { readonly notebook: vscode.NotebookDocument; readonly at: number } | undefined;

  opened(notebook: vscode.NotebookDocument): void {
    this.newest = { notebook, at: Date.now() };
  }

  /** The notebook that `closed` is from now on; undefined if it was simply closed. */
  heirOf(closed: vscode.NotebookDocument): vscode.NotebookDocument | undefined {
    const { newest } = this;
    if (newest === undefined || Date.now() - newest.at > MAX_DELAY_MS) return undefined;
    const { notebook } = newest;
    const isHeir = !notebook.isClosed && notebook !== closed && haveSameCells(notebook, closed);
    return isHeir ? notebook : undefined;
  }
}

function haveSameCells(one: vscode.NotebookDocument, other: vscode.NotebookDocument): boolean {
  return one.notebookType === other.notebookType && sourcesOf(one) === sourcesOf(other);
}

function sourcesOf(notebook: vscode.NotebookDocument): string {
  return JSON.stringify(notebook.getCells().map(({ document }) => document.getText()));
}
