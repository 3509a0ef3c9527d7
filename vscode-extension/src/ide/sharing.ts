/**
 * The one owner of what is shared: which notebooks, through which bridge, and what agents do there.
 *
 * Views and commands read from here and ask it to act; they hold nothing themselves.
 */
import * as vscode from 'vscode';
import { ActivityModel } from '../core/activity';
import { Bridge } from '../core/bridge';
import { Emitter } from '../core/emitter';
import type { Kernel, KernelLocation } from '../core/kernel';
import { OutputStore } from '../core/outputs';
import type {
  AnswerOf,
  Answer,
  Command,
  CommandArguments,
  BridgeEvent,
  Mode,
} from '../core/protocol';
import { SharedKernel, type BridgeForShares } from '../core/shares';
import type { Jupyter } from './jupyter';
import type { BridgePython } from './python';
import { Renames } from './renames';
import { titleOf, type Target } from './targets';

interface Entry {
  uri: vscode.Uri;
  kernel: Kernel;
  readonly shared: SharedKernel;
}

export class Sharing implements BridgeForShares, vscode.Disposable {
  readonly model = new ActivityModel();
  readonly bridge: Bridge;
  readonly outputs: OutputStore;
  private readonly entries = new Map<string, Entry>();
  private readonly renames = new Renames();
  private readonly changeEmitter = new Emitter<void>();
  private readonly subscriptions: vscode.Disposable[];

  /** Anything changed: shares, bridge, clients, calls. */
  readonly onDidChange = this.changeEmitter.on;

  constructor(
    private readonly jupyter: Jupyter,
    private readonly python: BridgePython,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.bridge = new Bridge(() => this.python.launch());
    this.outputs = new OutputStore(this, this.model);
    const changed = (): void => this.changeEmitter.emit();
    this.subscriptions = [
      this.bridge.onEvent((event) => this.take(event)),
      this.bridge.onRestart(() => this.shareAgain()),
      this.bridge.onLog((line) => this.log.info(line)),
      this.bridge.onState((state) => {
        if (state.kind !== 'running') this.model.bridgeEnded();
        changed();
      }),
      this.model.onDidChange(changed),
      vscode.workspace.onDidOpenNotebookDocument((opened) => this.renames.opened(opened)),
      vscode.workspace.onDidCloseNotebookDocument((closed) => this.watch(this.closed(closed))),
      vscode.workspace.onDidChangeNotebookDocument((event) => this.watch(this.cellRan(event))),
    ];
  }

  /** What is shared, in the order it was. */
  get shares(): SharedKernel[] {
    const all = [...this.entries.values()].map(({ shared }) => shared);
    return all.filter(({ phase }) => phase !== 'ended');
  }

  shareOf(uri: vscode.Uri): SharedKernel | undefined {
    return this.entries.get(uri.toString())?.shared;
  }

  /** The notebook of a share. */
  uriOf(share: string): vscode.Uri | undefined {
    return [...this.entries.values()].find(({ shared }) => shared.id === share)?.uri;
  }

  /** Shares a kernel. Rejects with `CannotShare` or `BridgeError`; then nothing is shared. */
  async share(target: Target, mode: Mode): Promise<SharedKernel> {
    const key = target.uri.toString();
    const known = this.entries.get(key);
    if (known !== undefined) return known.shared;
    const shared = new SharedKernel(this, target.kernel, target.title, mode);
    this.entries.set(key, { uri: target.uri, kernel: target.kernel, shared });
    this.subscriptions.push(shared.onDidChange(() => this.shareChanged(shared)));
    this.startEarly();
    try {
      await shared.start();
    } catch (error) {
      // What is in the way is told at once; a bridge that is just starting ends behind it.
      this.watch(this.forget(shared));
      throw error;
    }
    this.log.info(`Sharing ${target.title} as ${shared.id ?? ''}`);
    return shared;
  }

  /** Ends one share; the bridge goes with the last one. `reason` is what agents are told. */
  async stop(shared: SharedKernel, reason: string): Promise<void> {
    try {
      await shared.stop(reason);
    } catch (error) {
      // The bridge ends below or has ended, and every share with it.
      this.log.warn(`Stopping ${shared.title}: ${String(error)}`);
    }
    this.log.info(`Stopped sharing ${shared.title}`);
    await this.forget(shared);
  }

  async stopAll(reason: string): Promise<void> {
    await Promise.all(this.shares.map((shared) => this.stop(shared, reason)));
  }

  async setMode(shared: SharedKernel, mode: Mode): Promise<void> {
    if (shared.id === undefined) return;
    shared.take(await this.request('set_mode', { share: shared.id, mode }));
  }

  async pause(paused: boolean): Promise<void> {
    for (const shared of this.shares) {
      if (shared.id !== undefined) {
        shared.take(await this.request('pause', { share: shared.id, paused }));
      }
    }
  }

  async answer(approval: string, answer: Answer): Promise<void> {
    await this.request('answer', { approval, answer });
  }

  /** Stops one run of an agent, or all of them; how many were stopped. Never a cell of the person. */
  async interrupt(share?: string, number?: number): Promise<number> {
    const ids = share === undefined ? this.shares.flatMap(({ id }) => id ?? []) : [share];
    let stopped = 0;
    for (const id of ids) {
      stopped += (await this.request('interrupt', { share: id, number })).interrupted;
    }
    return stopped;
  }

  /** Starts the bridge unless it runs; asks the person where the Python part is missing. Rejects with `CannotShare`. */
  async ready(location: KernelLocation): Promise<void> {
    this.python.sawKernelInterpreter(location.executable);
    try {
      await this.bridge.start();
    } catch (error) {
      throw this.python.explain(error as Error);
    }
  }

  request<C extends Command>(command: C, args: CommandArguments[C]): Promise<AnswerOf<C>> {
    return this.bridge.request(command, args);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private shareChanged(shared: SharedKernel): void {
    // A kernel that starts anew has none of the names.
    const isAway = shared.phase === 'restarting' || shared.phase === 'lost';
    if (isAway && shared.id !== undefined) this.model.forgetChanges(shared.id);
    this.changeEmitter.emit();
  }

  private take(event: BridgeEvent): void {
    if (event.event === 'share') {
      this.shares.find(({ id }) => id === event.share.share)?.take(event.share);
    } else if (event.event === 'dropped') {
      const ids = this.shares.flatMap(({ id }) => id ?? []);
      for (const id of ids) this.watch(this.model.catchUp(this, id));
    } else if (event.event === 'failed') {
      this.log.error(`${event.code}: ${event.message}`);
    }
    this.model.take(event);
  }

  /** While the person answers Jupyter's question, the bridge can already start; if it cannot, `ready` tells. */
  private startEarly(): void {
    const start = async (): Promise<void> => {
      if ((await this.python.isReady()) && this.entries.size > 0) await this.bridge.start();
    };
    start().catch((error: unknown) => this.log.warn(String(error)));
  }

  private shareAgain(): void {
    for (const shared of this.shares) this.watch(shared.shareAgain());
  }

  private async forget(shared: SharedKernel): Promise<void> {
    for (const [key, entry] of this.entries) {
      if (entry.shared === shared) this.entries.delete(key);
    }
    if (this.entries.size === 0) await this.bridge.stop();
    this.changeEmitter.emit();
  }

  /** A cell ran in a shared notebook: it may have been given another kernel meanwhile, or a dead one lives again. */
  private async cellRan(event: vscode.NotebookDocumentChangeEvent): Promise<void> {
    const entry = this.entries.get(event.notebook.uri.toString());
    if (entry === undefined) return;
    if (!event.cellChanges.some(({ executionSummary }) => executionSummary !== undefined)) return;
    const kernel = await this.jupyter.kernelOf(entry.uri);
    if (kernel === undefined) return;
    entry.kernel = kernel;
    await entry.shared.follow(kernel);
  }

  private async closed(closed: vscode.NotebookDocument): Promise<void> {
    const entry = this.entries.get(closed.uri.toString());
    if (entry === undefined) return;
    const heir = this.renames.heirOf(closed);
    if (heir === undefined) await this.stop(entry.shared, `${titleOf(closed.uri)} was closed.`);
    else await this.moveTo(heir.uri, entry);
  }

  /** The notebook was saved under another name. Jupyter ends its kernel then; the next cell starts another. */
  private async moveTo(uri: vscode.Uri, entry: Entry): Promise<void> {
    this.entries.delete(entry.uri.toString());
    entry.uri = uri;
    this.entries.set(uri.toString(), entry);
    const renamed = entry.shared.rename(titleOf(uri));
    const kernel = await this.jupyter.kernelOf(uri);
    if (kernel?.identity !== entry.kernel.identity) entry.shared.kernelEnded();
    await renamed;
  }

  /** For work that nobody awaits. */
  private watch(work: Promise<void>): void {
    work.catch((error: unknown) => this.log.error(String(error)));
  }
}
