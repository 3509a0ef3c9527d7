/** Packages the stand-in of the Jupyter extension. */
import { createVSIX } from '@vscode/vsce';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', 'test', 'stand-in');

/** @returns {Promise<string>} the path of its .vsix, in `folder` */
export async function packageStandIn(folder) {
  const packagePath = path.join(folder, 'jupyter-stand-in.vsix');
  await createVSIX({ cwd: FOLDER, packagePath, dependencies: false, allowMissingRepository: true });
  return packagePath;
}
