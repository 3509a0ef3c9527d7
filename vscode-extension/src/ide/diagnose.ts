/** One page with all that helps to find out why something does not work. It holds no code and no tokens. */
import os from 'node:os';
import * as vscode from 'vscode';
import type { SharedKernel } from '../core/shares';
import type { Jupyter } from './jupyter';
import type { BridgePython } from './python';
import type { Sharing } from './sharing';

export interface Diagnosed {
  readonly context: vscode.ExtensionContext;
  readonly jupyter: Jupyter;
  readonly python: BridgePython;
  readonly sharing: Sharing;
}

const SCHEME = 'cokernel-diagnosis';

/** Shows the page as a document that cannot be changed and need not be saved. */
export class DiagnosisPage implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(
    SCHEME,
    this,
  );

  constructor(private readonly diagnosed: Diagnosed) {}

  provideTextDocumentContent(): Promise<string> {
    return diagnose(this.diagnosed);
  }

  async show(): Promise<void> {
    // Another address each time: a page that was shown before would not be asked for again.
    const uri = vscode.Uri.from({ scheme: SCHEME, path: 'Diagnosis', query: String(Date.now()) });
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
  }

  dispose(): void {
    this.registration.dispose();
  }
}

export async function diagnose({ context, jupyter, python, sharing }: Diagnosed): Promise<string> {
  const { version } = context.extension.packageJSON as { version: string };
  const { state, pid } = sharing.bridge;
  const rows: [string, string][] = [
    ['Extension', version],
    ['VS Code', `${vscode.version} (${vscode.env.appName}, ${vscode.env.remoteName ?? 'local'})`],
    ['System', `${os.type()} ${os.release()} ${os.arch()}`],
    ['Jupyter extension', jupyter.version],
    ['Bridge from', await python.describe().catch((error: unknown) => String(error))],
    [
      'Bridge',
      state.kind === 'failed' ? `failed: ${state.message}` : `${state.kind} (pid ${pid ?? '-'})`,
    ],
    ['cokernel', state.kind === 'running' ? state.welcome.cokernel : '-'],
    ['MCP clients start', state.kind === 'running' ? state.welcome.front.join(' ') : '-'],
    ['State folder', process.env['COKERNEL_STATE_DIR'] ?? 'the default'],
  ];
  return [
    'Share Kernel with Claude',
    '',
    table(rows),
    '',
    sharing.shares.length === 0 ? 'No kernel is shared.' : '',
    ...sharing.shares.map(describeShare),
  ].join('\n');
}

function describeShare(shared: SharedKernel): string {
  const { location, share } = shared;
  return [
    `Shared kernel ${shared.title}`,
    '',
    table([
      ['State', `${shared.phase}, bridge says ${share?.state ?? '-'}`],
      ['Problem', shared.problem || share?.detail || '-'],
      ['Interpreter', location ? `${location.executable} (${location.python})` : '-'],
      ['ipykernel', location ? location.ipykernel + ipykernelNote(location.ipykernel) : '-'],
      ['Connection file', location?.connectionFile ?? '-'],
      ['Kernel pid', String(location?.pid ?? '-')],
    ]),
    '',
  ].join('\n');
}

/** A known trouble of the Jupyter extension that people would otherwise look for here. */
function ipykernelNote(version: string): string {
  return version.startsWith('7.')
    ? ' (the Jupyter extension sometimes hangs at the start of ipykernel 7: vscode-jupyter issue 17228)'
    : '';
}

function table(rows: readonly [string, string][]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}
