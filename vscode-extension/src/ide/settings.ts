/** The extension's settings, typed; package.json describes them for people. */
import * as vscode from 'vscode';
import { MODES, type Mode } from '../core/protocol';

const SECTION = 'cokernel';

export interface Settings {
  /** For kernels that are shared from now on. */
  readonly mode: Mode;
  /** An interpreter that has cokernel; empty for the private environment. */
  readonly interpreter: string;
  /** A command that is cokernel; empty for the private environment. */
  readonly command: readonly string[];
  /** Whether `list_variables` and the like stand in the activity list. */
  readonly showLooks: boolean;
  /** Whether the person's own cells stand in the activity list. */
  readonly showCells: boolean;
  /** Whether runs of agents are added to the notebook as cells. */
  readonly cellMode: boolean;
}

export function readSettings(): Settings {
  const section = vscode.workspace.getConfiguration(SECTION);
  const mode = section.get<Mode>('mode', 'ask');
  return {
    mode: MODES.includes(mode) ? mode : 'ask',
    interpreter: section.get('interpreter', '').trim(),
    command: section.get<string[]>('command', []),
    showLooks: section.get('activity.showLooks', true),
    showCells: section.get('activity.showCells', false),
    cellMode: section.get('cellMode', false),
  };
}

export function onSettingsChange(listener: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(SECTION)) listener();
  });
}

export async function toggle(setting: 'activity.showLooks' | 'activity.showCells'): Promise<void> {
  const section = vscode.workspace.getConfiguration(SECTION);
  await section.update(setting, !section.get<boolean>(setting), vscode.ConfigurationTarget.Global);
}
