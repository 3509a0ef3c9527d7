/** "Connect Claude Code…": the one registration that finds whatever is shared, now and later. */
import * as vscode from 'vscode';
import type { BridgePython } from './python';

interface Choice extends vscode.QuickPickItem {
  readonly act: () => Thenable<unknown> | void;
}

export async function connect(python: BridgePython): Promise<void> {
  const front = (await python.frontCommand()).map(quote).join(' ');
  const setup = `${front} setup`;
  const registration = `claude mcp add --scope user cokernel -- ${front}`;
  const choices: Choice[] = [
    { label: '$(terminal) Set Up in a Terminal', detail: setup, act: () => runInTerminal(setup) },
    {
      label: '$(copy) Copy the Command for Claude Code',
      detail: registration,
      act: () => vscode.env.clipboard.writeText(registration),
    },
    {
      label: '$(copy) Copy the Command of the Server',
      detail: `${front}, for any other MCP client`,
      act: () => vscode.env.clipboard.writeText(front),
    },
  ];
  const picked = await vscode.window.showQuickPick(choices, {
    title: 'Connect Claude Code',
    placeHolder: 'Needed once: Claude Code then finds every kernel that you share',
  });
  await picked?.act();
}

/** Typed, not sent: the person sees what it does before they press Enter. */
function runInTerminal(command: string): void {
  const terminal = vscode.window.createTerminal('Connect Claude Code');
  terminal.show();
  terminal.sendText(command, false);
}

function quote(part: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(part) ? part : `"${part.replaceAll('"', '\\"')}"`;
}
