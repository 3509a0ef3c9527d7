/** A kernel of the IDE, as the core needs it: its status, and where it is. */
import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Disposable, Listener } from './emitter';

/** The words of the Jupyter extension's API. */
export type KernelStatus =
  | 'unknown'
  | 'starting'
  | 'idle'
  | 'busy'
  | 'terminating'
  | 'restarting'
  | 'autorestarting'
  | 'dead';

/** What the kernel says of itself. */
export interface KernelLocation {
  readonly connectionFile: string;
  readonly pid: number;
  readonly hostname: string;
  /** Its interpreter. */
  readonly executable: string;
  readonly python: string;
  readonly ipykernel: string;
}

export interface Kernel {
  /** Whatever tells two kernels apart; the same kernel after a restart has the same identity. */
  readonly identity: object;
  readonly language: string;
  readonly status: KernelStatus;
  readonly onDidChangeStatus: (listener: Listener<KernelStatus>) => Disposable;
  /**
   * Asks the kernel where it is. Waits behind the user's cells; never interrupts one.
   * Rejects with `CannotShare`.
   */
  locate(): Promise<KernelLocation>;
}

/** Why a kernel cannot be shared, for machines; the message is for people. */
export type Obstacle =
  | 'jupyter-missing'
  | 'no-notebook'
  | 'not-started'
  | 'not-python'
  | 'permission'
  | 'remote'
  | 'stopped'
  | 'no-answer'
  | 'bridge';

/** A kernel cannot be shared. The message is one sentence that ends with the next step. */
export class CannotShare extends Error {
  override readonly name = 'CannotShare';

  constructor(
    readonly obstacle: Obstacle,
    message: string,
  ) {
    super(message);
  }
}

/** Told apart from whatever else the kernel prints, such as a warning at import. */
const MARK = '@@cokernel-location@@';

const SCRIPT = `
import json, os, socket, sys
from ipykernel import __version__ as ipykernel
from ipykernel.connect import get_connection_file
where = {"connectionFile": get_connection_file(), "pid": os.getpid(), "hostname": socket.gethostname(),
  "executable": sys.executable, "python": sys.version.split()[0], "ipykernel": ipykernel}
print("${MARK}" + json.dumps(where))
`;

/** Code that prints where the kernel is. It runs in a namespace of its own and leaves no name behind. */
export const LOCATE_CODE = `exec(${JSON.stringify(SCRIPT)}, {})`;

/** What `LOCATE_CODE` printed. Throws `CannotShare` if it is not there. */
export function readLocation(printed: string): KernelLocation {
  const line = printed.split('\n').find((each) => each.startsWith(MARK));
  if (line === undefined) {
    throw new CannotShare(
      'no-answer',
      'The kernel did not say where it is. Restart it, run a cell, and share it again.',
    );
  }
  return JSON.parse(line.slice(MARK.length)) as KernelLocation;
}

/** Throws `CannotShare` unless the kernel lives on this machine and its connection file is there. */
export async function requireLocal(location: KernelLocation): Promise<void> {
  const reachable =
    location.hostname === hostname() &&
    isAlive(location.pid) &&
    (await isFile(location.connectionFile));
  if (reachable) return;
  throw new CannotShare(
    'remote',
    `The kernel runs on ${location.hostname || 'another machine'}, where this VS Code cannot reach it.` +
      ' Open the folder on that machine with Remote SSH, or choose a local kernel, and share again.',
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and it is another user's; the bridge judges whether that may be.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function isFile(file: string): Promise<boolean> {
  try {
    JSON.parse(await readFile(file, 'utf8'));
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
