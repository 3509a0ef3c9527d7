/** Runs programs to their end: for making the environment, and for asking interpreters about themselves. */
import { spawn } from 'node:child_process';
import { LineSplitter } from './lines';

/** A program did not start, or ended with something else than 0. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';

  constructor(
    readonly command: readonly string[],
    readonly how: string,
    /** The last lines it said. */
    readonly said: string,
  ) {
    super(`${command[0] ?? ''} ended with ${how}. ${said}`.trim());
  }
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onLine?: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}

const LAST_LINES = 8;

/** Everything it wrote to stdout. Rejects with `ProgramFailed`, or with the signal's reason. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const out: Buffer[] = [];
  const said: string[] = [];
  const hear = (lines: string[]): void => {
    for (const line of lines) options.onLine?.(line);
    said.push(...lines);
    said.splice(0, said.length - LAST_LINES);
  };
  const outLines = new LineSplitter();
  const errorLines = new LineSplitter();
  child.stdout.on('data', (chunk: Buffer) => {
    out.push(chunk);
    hear(outLines.push(chunk));
  });
  child.stderr.on('data', (chunk: Buffer) => hear(errorLines.push(chunk)));
  return new Promise((resolve, reject) => {
    const abort = (): void => void child.kill();
    options.signal?.addEventListener('abort', abort, { once: true });
    child.once('error', (error) => reject(new ProgramFailed(command, error.message, '')));
    child.once('close', (code, signal) => {
      options.signal?.removeEventListener('abort', abort);
      if (options.signal?.aborted) reject(options.signal.reason as Error);
      else if (code === 0) resolve(Buffer.concat(out).toString('utf8'));
      else reject(new ProgramFailed(command, signal ?? `exit code ${code}`, said.join('\n')));
    });
  });
}
