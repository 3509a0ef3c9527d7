/** A real MCP client that starts the front, as Claude Code does. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const TIMEOUT = { timeout: 120_000 };

export class Agent {
  static async start(server, python, folder) {
    const transport = new StdioClientTransport({
      command: python,
      args: ['-m', 'cokernel'],
      cwd: folder,
      env: { ...server.env, CLAUDE_PROJECT_DIR: folder },
      stderr: 'pipe',
    });
    const client = new Client({ name: 'claude-code', title: 'Claude Code', version: '2.1.0' });
    await client.connect(transport);
    return new Agent(client);
  }

  constructor(client) {
    this.client = client;
  }

  /** The text of a tool's result. */
  async call(name, args = {}) {
    const result = await this.client.callTool({ name, arguments: args }, undefined, TIMEOUT);
    return result.content.map((each) => each.text ?? `[${each.type}]`).join('\n');
  }

  execute(code) {
    return this.call('execute_code', { code });
  }

  async close() {
    await this.client.close();
  }
}
