/**
 * The extension as one file to install, with the cokernel wheel of this tree in it.
 *
 *     npm run package        writes share-kernel-with-claude-<version>.vsix
 */
import { createVSIX } from '@vscode/vsce';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { buildExtension } from './build.mjs';
import { buildWheel } from './wheel.mjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** @returns {Promise<string>} the path of the .vsix */
export async function packageExtension() {
  await Promise.all([buildExtension(), buildWheel()]);
  const { name, version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  const packagePath = path.join(ROOT, `${name}-${version}.vsix`);
  // Everything is bundled: no node_modules go in.
  await createVSIX({ cwd: ROOT, packagePath, dependencies: false, skipLicense: false });
  return packagePath;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${await packageExtension()}\n`);
}
