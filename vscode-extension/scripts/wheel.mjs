/**
 * Builds the `cokernel` wheel of this tree into bundled/, from where the extension installs it.
 *
 *     node scripts/wheel.mjs
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const BUNDLED = path.join(ROOT, 'bundled');
const BRIDGE = path.resolve(ROOT, '..', 'bridge');

/** The Python that development uses: the tree's own environment, else the system's. */
export function developmentPython() {
  if (process.env.COKERNEL_TEST_PYTHON) return process.env.COKERNEL_TEST_PYTHON;
  const inside = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'];
  const own = path.resolve(ROOT, '..', '.venv', ...inside);
  return existsSync(own) ? own : 'python3';
}

/** @returns {Promise<string>} the path of the wheel */
export async function buildWheel() {
  await rm(BUNDLED, { recursive: true, force: true });
  await mkdir(BUNDLED, { recursive: true });
  const python = developmentPython();
  const ways = [
    ['uv', 'build', '--quiet', '--wheel', '--out-dir', BUNDLED, BRIDGE],
    [python, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir', BUNDLED, BRIDGE],
  ];
  const said = [];
  for (const [program, ...args] of ways) {
    const done = spawnSync(program, args, { encoding: 'utf8' });
    const wheel = (await readdir(BUNDLED)).find((name) => name.endsWith('.whl'));
    if (done.status === 0 && wheel) return path.join(BUNDLED, wheel);
    said.push(`${program}: ${done.error?.message ?? done.stderr}`);
  }
  throw new Error(`The wheel of cokernel could not be built.\n${said.join('\n')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${await buildWheel()}\n`);
}
