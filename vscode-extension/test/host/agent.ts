/** A real MCP client in the extension host, through the front, as an agent in a terminal would come. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import * as vscode from 'vscode';

interface Content {
  readonly type: string;
  readonly text?: string;
}

export class Agent {
  static async connect(): Promise<Agent> {
    const python = vscode.workspace.getConfiguration('cokernel').get('interpreter', '');
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    const transport = new StdioClientTransport({
      command: python,
      args: ['-m', 'cokernel'],
      cwd: folder,
      env: { ...(process.env as Record<string, string>), CLAUDE_PROJECT_DIR: folder },
    });
    const client = new Client({ name: 'claude-code', title: 'Claude Code', version: '2.1.0' });
    await client.connect(transport);
    return new Agent(client);
  }

  private constructor(private readonly client: Client) {}

  execute(code: string): Promise<string> {
    return this.call('execute_code', { code });
  }

  /** The text of a tool's result. */
  async call(name: string, args: Record<string, unknown> = {}): Promise<string> {
    const result = await this.client.callTool({ name, arguments: args }, undefined, {
      timeout: 60_000,
    });
    return (result.content as Content[]).map(({ text }) => text ?? '').join('\n');
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}
