/** Makers of what tests need, each with the parts that do not matter filled in. */
import { writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { Emitter } from './emitter';
import type { Kernel, KernelLocation, KernelStatus } from './kernel';
import type { Activity } from './protocol';

export function makeActivity(parts: Partial<Activity>): Activity {
  return {
    number: 1,
    share: 'scripted-1',
    origin: 'agent',
    kind: 'run',
    state: 'ok',
    client_id: 'c1',
    client: 'Claude Code',
    kernel_id: 'scripted-1',
    kernel: 'analysis.ipynb',
    tool: 'execute_code',
    code: 'x = 1',
    created_at: 100,
    started_at: null,
    finished_at: null,
    execution: 1,
    execution_count: null,
    background: false,
    reason: '',
    error: null,
    changes: [],
    approval: '',
    ...parts,
  };
}

/** A kernel of an editor, driven by the test. It says that it is this process. */
export class ScriptedKernel implements Kernel {
  readonly identity = this;
  readonly language = 'python';
  status: KernelStatus = 'idle';
  private readonly emitter = new Emitter<KernelStatus>();
  readonly onDidChangeStatus = this.emitter.on;
  private held: (() => void)[] | undefined;
  private location = makeLocation();

  async locate(): Promise<KernelLocation> {
    const { location } = this;
    // Its own answer makes a kernel busy, then idle.
    await Promise.resolve();
    this.become('busy');
    this.become('idle');
    if (this.held) await new Promise<void>((resolve) => this.held?.push(resolve));
    return location;
  }

  /** From now on `locate` waits, as behind a cell of the person. */
  hold(): void {
    this.held = [];
  }

  release(): void {
    const waiting = this.held ?? [];
    this.held = undefined;
    for (const go of waiting) go();
  }

  become(status: KernelStatus): void {
    this.status = status;
    this.emitter.emit(status);
  }

  /** A restart as the Jupyter extension does it: another connection file. */
  moves(parts: Partial<KernelLocation> = {}): void {
    this.location = makeLocation(parts);
  }
}

let files = 0;

function makeLocation(parts: Partial<KernelLocation> = {}): KernelLocation {
  const connectionFile = path.join(tmpdir(), `cokernel-test-${process.pid}-${++files}.json`);
  writeFileSync(connectionFile, '{}');
  return {
    connectionFile,
    pid: process.pid,
    hostname: hostname(),
    executable: 'python3',
    python: '3.12.1',
    ipykernel: '7.0.0',
    ...parts,
  };
}
