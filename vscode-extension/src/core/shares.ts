/**
 * One shared kernel, from the first question where it is to its end.
 *
 *     locating ──▶ sharing ──▶ shared ◀──▶ restarting ──▶ lost
 *         └───────────┴──────────┴─────────────┴───────────┴──▶ ended
 *
 * The kernel of a notebook goes through restarts, each with a new process and a new connection file; the share stays
 * one and the same, so that agents follow. Whatever was asked before a restart is thrown away when it is answered
 * after it: every question carries the epoch in which it was asked.
 */
import type { Disposable } from './emitter';
import { Emitter } from './emitter';
import {
  CannotShare,
  requireLocal,
  type Kernel,
  type KernelLocation,
  type KernelStatus,
} from './kernel';
import type { Mode, Share } from './protocol';
import type { Requests } from './requests';

export type Phase = 'locating' | 'sharing' | 'shared' | 'restarting' | 'lost' | 'ended';

export interface BridgeForShares extends Requests {
  /** Starts the bridge unless it runs; may ask the person. Rejects with what is in the way. */
  ready(location: KernelLocation): Promise<void>;
}

export class SharedKernel {
  private readonly changeEmitter = new Emitter<void>();
  private epoch = 0;
  /** Whether the kernel went away since it was last asked: its own answer makes it busy, then idle, too. */
  private hasMoved = false;
  private subscription: Disposable | undefined;
  private currentPhase: Phase = 'locating';
  private info: Share | undefined;
  private located: KernelLocation | undefined;
  private sentence = '';
  /** Whether the bridge process that runs now was told of this share. */
  private isKnown = false;

  readonly onDidChange = this.changeEmitter.on;

  constructor(
    private readonly bridge: BridgeForShares,
    private kernel: Kernel,
    private name: string,
    private mode: Mode,
  ) {}

  get phase(): Phase {
    return this.currentPhase;
  }

  /** The bridge's id of it; undefined until it was shared. */
  get id(): string | undefined {
    return this.info?.share;
  }

  get title(): string {
    return this.name;
  }

  /** As the bridge last told it. */
  get share(): Share | undefined {
    return this.info;
  }

  get location(): KernelLocation | undefined {
    return this.located;
  }

  /** What is the matter and what to do, for people; empty if all is well. */
  get problem(): string {
    return this.sentence;
  }

  /** Rejects with `CannotShare` or `BridgeError`; then it has ended. */
  async start(): Promise<void> {
    this.listen();
    const epoch = ++this.epoch;
    try {
      await this.locateAndShare(epoch);
    } catch (error) {
      this.end();
      throw error;
    }
    if (this.currentPhase === 'ended') {
      throw new CannotShare('stopped', `Sharing of ${this.name} was stopped before it began.`);
    }
  }

  /** The bridge told of this share. */
  take(share: Share): void {
    this.info = share;
    this.mode = share.mode;
    this.changeEmitter.emit();
  }

  /** A cell ran: the notebook may have been given another kernel, or a lost one answers again. */
  async follow(kernel: Kernel): Promise<void> {
    const isSame = kernel.identity === this.kernel.identity;
    if (this.currentPhase === 'ended' || (isSame && this.currentPhase !== 'lost')) return;
    this.kernel = kernel;
    this.listen();
    await this.relocate();
  }

  async rename(title: string): Promise<void> {
    if (title === this.name) return;
    this.name = title;
    if (this.info !== undefined)
      await this.bridge.request('rename', { share: this.info.share, title });
  }

  /** The kernel was taken away from its notebook; a cell that runs there brings another. */
  kernelEnded(): void {
    if (this.currentPhase !== 'ended') this.lose('lost', this.deadSentence());
  }

  /** A new bridge process knows nothing of this share: tell it, under the same id. */
  async shareAgain(): Promise<void> {
    this.isKnown = false;
    if (this.info === undefined || this.currentPhase === 'ended') return;
    await this.relocate();
  }

  /** Ends it. `reason` is what agents are told. The record is gone when this resolves. */
  async stop(reason: string): Promise<void> {
    const share = this.info?.share;
    this.end();
    if (share !== undefined) await this.bridge.request('unshare', { share, reason });
  }

  private listen(): void {
    this.subscription?.dispose();
    this.subscription = this.kernel.onDidChangeStatus((status) => this.statusChanged(status));
  }

  private statusChanged(status: KernelStatus): void {
    if (this.currentPhase === 'ended') return;
    if (status === 'restarting' || status === 'autorestarting') this.lose('restarting', '');
    else if (status === 'dead' || status === 'terminating') this.kernelEnded();
    else if (status === 'idle' && this.hasMoved) void this.relocate();
  }

  private isAway(): boolean {
    return this.currentPhase === 'restarting' || this.currentPhase === 'lost';
  }

  private deadSentence(): string {
    return `The kernel of ${this.name} ended. Run a cell to start it again; sharing then goes on.`;
  }

  private lose(phase: 'restarting' | 'lost', sentence: string): void {
    this.hasMoved = true;
    this.epoch++;
    if (this.currentPhase === phase) return;
    const first = !this.isAway();
    this.become(phase, sentence);
    if (!first || this.info === undefined) return;
    const reason = phase === 'lost' ? 'The kernel ended.' : 'The kernel was restarted.';
    // The bridge notices by itself if this is lost, only later.
    this.bridge.request('restarted', { share: this.info.share, reason }).catch(() => undefined);
  }

  private async relocate(): Promise<void> {
    const epoch = ++this.epoch;
    this.hasMoved = false;
    try {
      await this.locateAndShare(epoch);
    } catch (error) {
      if (epoch === this.epoch) this.become('lost', (error as Error).message);
    }
  }

  private async locateAndShare(epoch: number): Promise<void> {
    if (this.info === undefined) this.become('locating', '');
    const location = await this.kernel.locate();
    await requireLocal(location);
    if (epoch !== this.epoch) return;
    if (this.info === undefined) this.become('sharing', '');
    await this.bridge.ready(location);
    if (epoch !== this.epoch) return;
    const share = await this.publish(location);
    if (epoch !== this.epoch) {
      await this.withdrawIfEnded(share);
      return;
    }
    this.located = location;
    this.info = share;
    this.isKnown = true;
    this.become('shared', '');
  }

  private async publish(location: KernelLocation): Promise<Share> {
    const where = { connection_file: location.connectionFile, kernel_pid: location.pid };
    const id = this.info?.share;
    if (id !== undefined && this.isKnown) {
      return this.bridge.request('retarget', { share: id, title: this.name, ...where });
    }
    return this.bridge.request('share', { title: this.name, mode: this.mode, share: id, ...where });
  }

  /** The person stopped sharing while the bridge was at it. */
  private async withdrawIfEnded(share: Share): Promise<void> {
    if (this.currentPhase !== 'ended') this.info ??= share;
    else await this.bridge.request('unshare', { share: share.share });
  }

  private end(): void {
    this.epoch++;
    this.subscription?.dispose();
    this.become('ended', this.sentence);
  }

  private become(phase: Phase, sentence: string): void {
    this.currentPhase = phase;
    this.sentence = sentence;
    this.changeEmitter.emit();
  }
}
