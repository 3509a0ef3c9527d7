/** One bridge process and the conversation with it, from `hello` to its end. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { LineSplitter } from './lines';
import {
  BridgeError,
  PROTOCOL_VERSION,
  decodeAnswer,
  decodeLine,
  encodeCommand,
  type AnswerOf,
  type BridgeEvent,
  type Command,
  type CommandArguments,
} from './protocol';

/** How to start a bridge. */
export interface Launch {
  readonly command: readonly string[];
  readonly workspaces: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface ConnectionListener {
  onEvent(event: BridgeEvent): void;
  /** A line of the bridge's stderr. */
  onLog(line: string): void;
}

interface Pending {
  readonly command: Command;
  readonly resolve: (ok: never) => void;
  readonly reject: (error: Error) => void;
}

/** Imports on a cold disk take their time. */
const HELLO_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 6_000;
const LAST_WORDS = 12;

export class Connection {
  private readonly pending = new Map<number, Pending>();
  private readonly lastWords: string[] = [];
  private nextId = 1;
  private endReason: string | undefined;

  /** Resolves with why, when the process has ended. */
  readonly ended: Promise<string>;

  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly listener: ConnectionListener,
  ) {
    this.ended = this.watchEnd();
    this.readLines();
    // A write to a process that just died: `ended` tells of it.
    child.stdin.on('error', () => undefined);
  }

  /** Starts a bridge and greets it. Rejects with what it last said if it does not come up. */
  static async open(
    launch: Launch,
    listener: ConnectionListener,
  ): Promise<{ connection: Connection; welcome: AnswerOf<'hello'> }> {
    const [program, ...args] = launch.command;
    if (program === undefined) throw new BridgeError('start_failed', 'No command for the bridge.');
    const child = spawn(program, args, { env: launch.env, stdio: 'pipe', windowsHide: true });
    const connection = new Connection(child, listener);
    try {
      const hello = { version: PROTOCOL_VERSION, ide: 'VS Code', workspaces: launch.workspaces };
      const answer = connection.request('hello', hello);
      const welcome = await within(answer, HELLO_TIMEOUT_MS, 'The bridge did not answer.');
      return { connection, welcome };
    } catch (error) {
      child.kill();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Rejects with `BridgeError` if it is refused, or if the process ends first. */
  request<C extends Command>(command: C, args: CommandArguments[C]): Promise<AnswerOf<C>> {
    if (this.endReason !== undefined) return Promise.reject(this.gone());
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { command, resolve, reject });
      this.child.stdin.write(encodeCommand(id, command, args));
    });
  }

  /** Ends every share and the process; resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.endReason !== undefined) return;
    this.request('stop', {}).catch(() => undefined);
    this.child.stdin.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.ended;
    clearTimeout(timer);
  }

  private readLines(): void {
    const out = new LineSplitter();
    this.child.stdout.on('data', (chunk: Buffer) => {
      for (const line of out.push(chunk)) this.take(line);
    });
    const log = new LineSplitter();
    this.child.stderr.on('data', (chunk: Buffer) => {
      for (const line of log.push(chunk)) this.hear(line);
    });
  }

  private take(line: string): void {
    try {
      const incoming = decodeLine(line);
      if (incoming.kind === 'event') this.listener.onEvent(incoming.event);
      else if (incoming.kind === 'ok') this.settle(incoming.id, incoming.ok);
      else if (incoming.id !== null) this.takeBack(incoming.id)?.reject(incoming.error);
      else this.listener.onLog(incoming.error.message);
    } catch (error) {
      this.listener.onLog(String(error));
    }
  }

  private settle(id: number, ok: unknown): void {
    const pending = this.takeBack(id);
    if (pending === undefined) return;
    try {
      pending.resolve(decodeAnswer(pending.command, ok) as never);
    } catch (error) {
      pending.reject(error as Error);
    }
  }

  private takeBack(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }

  private hear(line: string): void {
    this.lastWords.push(line);
    if (this.lastWords.length > LAST_WORDS) this.lastWords.shift();
    this.listener.onLog(line);
  }

  private watchEnd(): Promise<string> {
    return new Promise((resolve) => {
      const end = (reason: string): void => {
        if (this.endReason !== undefined) return;
        this.endReason = reason;
        for (const { reject } of this.pending.values()) reject(this.gone());
        this.pending.clear();
        resolve(reason);
      };
      this.child.once('error', (error) => end(error.message));
      // `close` rather than `exit`: everything it said has been read by then.
      this.child.once('close', (code, signal) => end(describeEnd(code, signal)));
    });
  }

  private gone(): BridgeError {
    const said = this.lastWords.at(-1);
    const tail = said === undefined ? '' : ` It last said: "${said}".`;
    return new BridgeError('start_failed', `The bridge ended (${this.endReason ?? ''}).${tail}`);
  }
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exit code ${code ?? 'unknown'}` : signal;
}

function within<T>(promise: Promise<T>, ms: number, otherwise: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new BridgeError('no_answer', otherwise)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
