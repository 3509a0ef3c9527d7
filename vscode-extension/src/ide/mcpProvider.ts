/** Shows the shared kernels to VS Code's own agents, as MCP servers that it starts by itself. */
import * as vscode from 'vscode';
import type { Sharing } from './sharing';

const PROVIDER = 'cokernel.shares';

export class McpProvider implements vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<void>();
  private readonly subscriptions: vscode.Disposable[] = [this.emitter];
  private known = '';

  constructor(private readonly sharing: Sharing) {
    // Editors that grew out of VS Code may lack this part of its API.
    if (!('registerMcpServerDefinitionProvider' in (vscode.lm ?? {}))) return;
    this.subscriptions.push(
      sharing.onDidChange(() => this.announce()),
      vscode.lm.registerMcpServerDefinitionProvider(PROVIDER, {
        onDidChangeMcpServerDefinitions: this.emitter.event,
        provideMcpServerDefinitions: () => this.definitions(),
      }),
    );
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private announce(): void {
    const now = JSON.stringify(
      this.definitions().map(({ label, command, env }) => [label, command, env]),
    );
    if (now === this.known) return;
    this.known = now;
    this.emitter.fire();
  }

  private definitions(): vscode.McpStdioServerDefinition[] {
    const { state } = this.sharing.bridge;
    if (state.kind !== 'running') return [];
    const [command, ...args] = state.welcome.front;
    if (command === undefined) return [];
    return this.sharing.shares.flatMap(({ id, title }) => {
      if (id === undefined) return [];
      const env = { COKERNEL_SHARE: id };
      const label = `Shared kernel: ${title}`;
      return [
        new vscode.McpStdioServerDefinition(label, command, args, env, state.welcome.cokernel),
      ];
    });
  }
}
