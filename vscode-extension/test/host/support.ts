/** What the tests in the extension host do over and over, each wait with an end. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { SharedKernel } from '../../src/core/shares';
import type { Sharing } from '../../src/ide/sharing';
import type { Target } from '../../src/ide/targets';
import { Jupyter } from '../../src/ide/jupyter';

const DEADLINE_MS = 60_000;

export async function activateExtension(): Promise<Sharing> {
  const extension = vscode.extensions.getExtension<Sharing>('cokernel.share-kernel-with-claude');
  assert.ok(extension);
  return extension.activate();
}

export async function openNotebook(...code: string[]): Promise<vscode.NotebookDocument> {
  const { Code } = vscode.NotebookCellKind;
  const cells = code.map((each) => new vscode.NotebookCellData(Code, each, 'python'));
  const data = new vscode.NotebookData(cells);
  const notebook = await vscode.workspace.openNotebookDocument('jupyter-notebook', data);
  await vscode.window.showNotebookDocument(notebook);
  return notebook;
}

/** Starts a cell; `until` tells when it has ended. */
export function startCell(notebook: vscode.NotebookDocument, index: number): void {
  const ranges = [{ start: index, end: index + 1 }];
  void vscode.commands.executeCommand('notebook.cell.execute', { ranges, document: notebook.uri });
}

/** Runs a cell to its end; its text output. */
export async function runCell(notebook: vscode.NotebookDocument, index: number): Promise<string> {
  const before = notebook.cellAt(index).executionSummary?.timing?.endTime ?? 0;
  startCell(notebook, index);
  await until('the cell has run', () => {
    return (notebook.cellAt(index).executionSummary?.timing?.endTime ?? 0) > before;
  });
  return textOf(notebook.cellAt(index));
}

export function textOf(cell: vscode.NotebookCell): string {
  const items = cell.outputs.flatMap(({ items }) => items);
  return items.map(({ data }) => new TextDecoder().decode(data)).join('');
}

/** Runs the first cell, and names the notebook as what is to be shared. */
export async function startedTarget(notebook: vscode.NotebookDocument): Promise<Target> {
  await runCell(notebook, 0);
  const kernel = await new Jupyter().kernelOf(notebook.uri);
  assert.ok(kernel);
  return { uri: notebook.uri, title: 'test.ipynb', kernel };
}

/** Waits until `holds`; the clock is only looked at, nothing depends on how long it takes. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`It never came true that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface ShareRecord {
  readonly share: string;
  readonly connection_file: string;
  readonly kernel_pid: number;
  readonly title: string;
}

/** What agents would find now. */
export function publishedRecords(): ShareRecord[] {
  const folder = path.join(process.env['COKERNEL_STATE_DIR'] ?? '', 'shares');
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.flatMap((name) => readRecord(path.join(folder, name)) ?? []);
}

function readRecord(file: string): ShareRecord | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ShareRecord;
  } catch (error) {
    // It went away between the two looks.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function recordOf(shared: SharedKernel): ShareRecord | undefined {
  return publishedRecords().find(({ share }) => share === shared.id);
}
