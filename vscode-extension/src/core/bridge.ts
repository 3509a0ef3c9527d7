/** The bridge as the extension sees it: started when needed, restarted when it dies, one restart at a time. */
import { Connection, type Launch } from './connection';
import { Emitter } from './emitter';
import {
  BridgeError,
  type AnswerOf,
  type BridgeEvent,
  type Command,
  type CommandArguments,
} from './protocol';

export type BridgeState =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly welcome: AnswerOf<'hello'> }
  | { readonly kind: 'failed'; readonly message: string };

/** A bridge that dies more often than this within `RESTART_WINDOW_MS` stays down until it is asked for again. */
const MAX_RESTARTS = 3;
const RESTART_WINDOW_MS = 60_000;

export class Bridge {
  private readonly eventEmitter = new Emitter<BridgeEvent>();
  private readonly stateEmitter = new Emitter<BridgeState>();
  private readonly restartEmitter = new Emitter<void>();
  private readonly logEmitter = new Emitter<string>();
  private connection: Connection | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private current: BridgeState = { kind: 'stopped' };
  private deaths: number[] = [];

  readonly onEvent = this.eventEmitter.on;
  readonly onState = this.stateEmitter.on;
  /** A new process took the place of one that had died: it knows nothing of the shares of the old one. */
  readonly onRestart = this.restartEmitter.on;
  readonly onLog = this.logEmitter.on;

  /** `launch` may take its time, and may ask the person: it is called before each start. */
  constructor(private readonly launch: () => Promise<Launch>) {}

  get state(): BridgeState {
    return this.current;
  }

  get pid(): number | undefined {
    return this.connection?.pid;
  }

  /** Starts the bridge unless it runs. Rejects with what went wrong. */
  start(): Promise<void> {
    return this.enqueue(() => this.open());
  }

  async request<C extends Command>(command: C, args: CommandArguments[C]): Promise<AnswerOf<C>> {
    const connection = this.connection;
    if (connection === undefined) {
      throw new BridgeError('share_lost', 'The bridge does not run. Share the kernel again.');
    }
    return connection.request(command, args);
  }

  /** Ends the process and every share. */
  stop(): Promise<void> {
    return this.enqueue(() => this.close());
  }

  restart(): Promise<void> {
    return this.enqueue(async () => {
      await this.close();
      await this.open();
      this.restartEmitter.emit();
    });
  }

  private enqueue(task: () => Promise<void>): Promise<void> {
    const done = this.queue.then(task);
    this.queue = done.catch(() => undefined);
    return done;
  }

  private async open(): Promise<void> {
    if (this.connection !== undefined) return;
    this.become({ kind: 'starting' });
    try {
      const { connection, welcome } = await Connection.open(await this.launch(), {
        onEvent: (event) => this.eventEmitter.emit(event),
        onLog: (line) => this.logEmitter.emit(line),
      });
      this.connection = connection;
      void connection.ended.then((why) => this.ended(connection, why));
      this.become({ kind: 'running', welcome });
    } catch (error) {
      this.become({ kind: 'failed', message: (error as Error).message });
      throw error;
    }
  }

  private async close(): Promise<void> {
    const connection = this.connection;
    this.connection = undefined;
    await connection?.stop();
    this.become({ kind: 'stopped' });
  }

  private ended(connection: Connection, why: string): void {
    // Not the one in use: it was stopped on purpose.
    if (this.connection !== connection) return;
    this.connection = undefined;
    this.logEmitter.emit(`The bridge ended unexpectedly (${why}).`);
    if (this.diesTooOften()) {
      this.become({
        kind: 'failed',
        message: `The bridge ended ${MAX_RESTARTS + 1} times (${why}).`,
      });
      return;
    }
    this.restart().catch((error: unknown) => this.logEmitter.emit(String(error)));
  }

  private diesTooOften(): boolean {
    const now = Date.now();
    this.deaths = [...this.deaths.filter((time) => now - time < RESTART_WINDOW_MS), now];
    return this.deaths.length > MAX_RESTARTS;
  }

  private become(state: BridgeState): void {
    this.current = state;
    this.stateEmitter.emit(state);
  }
}
