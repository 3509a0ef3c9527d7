/**
 * The private Python environment: a folder of the extension's own with the bundled `cokernel` wheel in it.
 *
 * Made with uv where there is one, else with venv and pip. A folder belongs to one wheel (its hash is in the name), so
 * an update makes a new one. The stamp is written last: a folder without it is half made and is made afresh.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ProgramFailed, run, type RunOptions } from './programs';

const MINIMUM_PYTHON = [3, 10] as const;
const STAMP = 'cokernel.json';
const LOCK_STALE_MS = 15 * 60_000;

/** An interpreter that an environment can be made from. */
export interface BasePython {
  readonly executable: string;
  /** `3.12.1`. */
  readonly version: string;
}

export interface EnvironmentPlan {
  readonly folder: string;
  readonly wheel: string;
  readonly base: BasePython;
  /** Path of uv; undefined for venv and pip. */
  readonly uv: string | undefined;
}

/** The environment could not be made. The message says what failed; the log has the rest. */
export class EnvironmentFailed extends Error {
  override readonly name = 'EnvironmentFailed';
}

/** The wheel that is bundled in `folder`. Throws `EnvironmentFailed` if there is none. */
export async function findWheel(folder: string): Promise<string> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  const wheel = names.find((name) => /^cokernel-.*\.whl$/.test(name));
  if (wheel === undefined) {
    throw new EnvironmentFailed(
      'This build of the extension has no cokernel in it. Name an interpreter that has it in cokernel.interpreter.',
    );
  }
  return path.join(folder, wheel);
}

/** Where the environment of this wheel belongs. */
export async function environmentFolder(storage: string, wheel: string): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(wheel))
    .digest('hex');
  return path.join(storage, `python-${hash.slice(0, 12)}`);
}

export function interpreterOf(folder: string): string {
  return process.platform === 'win32'
    ? path.join(folder, 'Scripts', 'python.exe')
    : path.join(folder, 'bin', 'python');
}

/** The `cokernel` command of an environment: what MCP clients start. */
export function frontOf(folder: string): string {
  return process.platform === 'win32'
    ? path.join(folder, 'Scripts', 'cokernel.exe')
    : path.join(folder, 'bin', 'cokernel');
}

/** False too when the interpreter that it was made from has gone. */
export function isReady(folder: string): boolean {
  return existsSync(path.join(folder, STAMP)) && existsSync(interpreterOf(folder));
}

/** The first of `candidates` that can be used; undefined if none can. */
export async function findBasePython(
  candidates: readonly (readonly string[])[],
): Promise<BasePython | undefined> {
  for (const candidate of candidates) {
    const found = await askPython(candidate);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The path of uv, or undefined. */
export async function findUv(): Promise<string | undefined> {
  try {
    await run(['uv', '--version']);
    return 'uv';
  } catch {
    return undefined;
  }
}

/**
 * Makes the environment, unless another window has just made it. Rejects with `EnvironmentFailed`, or with the reason
 * of the signal; then nothing is left behind.
 */
export async function makeEnvironment(plan: EnvironmentPlan, options: RunOptions): Promise<void> {
  await mkdir(path.dirname(plan.folder), { recursive: true });
  const lock = `${plan.folder}.lock`;
  await waitForLock(lock, options);
  try {
    if (!isReady(plan.folder)) await make(plan, options);
  } finally {
    await rm(lock, { force: true });
  }
}

/** Removes environments of earlier wheels. */
export async function removeOthers(storage: string, keep: string): Promise<void> {
  const names = existsSync(storage) ? await readdir(storage) : [];
  const old = names.filter((name) => /^python-[0-9a-f]{12}$/.test(name));
  for (const name of old) {
    const folder = path.join(storage, name);
    if (folder !== keep) await rm(folder, { recursive: true, force: true });
  }
}

async function make(plan: EnvironmentPlan, options: RunOptions): Promise<void> {
  await rm(plan.folder, { recursive: true, force: true });
  try {
    for (const command of steps(plan)) {
      options.onLine?.(`$ ${command.join(' ')}`);
      await run(command, options);
    }
    const stamp = { wheel: path.basename(plan.wheel), base: plan.base, made: new Date() };
    await writeFile(path.join(plan.folder, STAMP), JSON.stringify(stamp));
  } catch (error) {
    await rm(plan.folder, { recursive: true, force: true });
    throw error instanceof ProgramFailed ? explain(error) : error;
  }
}

function steps(plan: EnvironmentPlan): string[][] {
  const { folder, wheel, base, uv } = plan;
  const python = interpreterOf(folder);
  const install = uv
    ? [uv, 'pip', 'install', '--python', python, wheel]
    : [python, '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', wheel];
  const create = uv
    ? [uv, 'venv', '--python', base.executable, folder]
    : [base.executable, '-m', 'venv', folder];
  return [create, install, [python, '-I', '-c', 'import cokernel.host']];
}

function explain(failed: ProgramFailed): EnvironmentFailed {
  const said = failed.said;
  if (/ensurepip|python3(\.\d+)?-venv/i.test(said)) {
    return new EnvironmentFailed(
      'This Python cannot make environments: install its venv package (Debian and Ubuntu: python3-venv), or install uv, and try again.',
    );
  }
  if (
    /(connection|resolve|network|timed? ?out|unreachable|offline|proxy|dns|No matching distribution)/i.test(
      said,
    )
  ) {
    return new EnvironmentFailed(
      'The Python packages could not be downloaded. Check the network or the package index, and try again; or name an interpreter that has cokernel in cokernel.interpreter.',
    );
  }
  return new EnvironmentFailed(
    `The environment could not be made: ${lastLine(said) || failed.how}.`,
  );
}

async function askPython(candidate: readonly string[]): Promise<BasePython | undefined> {
  const question =
    'import sys, venv; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])';
  try {
    const said = await run([...candidate, '-c', question]);
    const [executable, version] = said.trim().split(/\r?\n/);
    if (!executable || !version || !isNewEnough(version)) return undefined;
    return { executable, version };
  } catch {
    return undefined;
  }
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = MINIMUM_PYTHON;
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** One window at a time. A lock whose window died is taken over after a while. */
async function waitForLock(lock: string, options: RunOptions): Promise<void> {
  const began = Date.now();
  for (;;) {
    options.signal?.throwIfAborted();
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (Date.now() - began > LOCK_STALE_MS || !(await ownerLives(lock))) {
      await rm(lock, { force: true });
    } else {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function ownerLives(lock: string): Promise<boolean> {
  try {
    const owner = Number(await readFile(lock, 'utf8'));
    // Empty: its owner is just writing it.
    if (owner > 0) process.kill(owner, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
