/** What every test in a real VS Code begins with: a server with both extensions, and a folder with an example. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packageExtension } from '../../scripts/package.mjs';
import { Server } from '../../scripts/server.mjs';
import { packageStandIn } from '../../scripts/stand-in.mjs';
import { developmentPython } from '../../scripts/wheel.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const EXAMPLE = path.join(HERE, '..', 'example');

export const python = developmentPython();

/** Kernels of the stand-in, and the bridge, run in the tree's own environment. */
const SETTINGS = { 'standin.python': python, 'cokernel.interpreter': python };

/**
 * @param {import('../../scripts/server.mjs').ServerOptions & {underDevelopment?: boolean, withJupyter?: boolean}} options
 *   `underDevelopment`: the extension comes from the tree, not as a .vsix
 */
export async function startServer(options = {}) {
  const { underDevelopment = false, withJupyter = true } = options;
  const settings = { ...SETTINGS, ...options.settings };
  const server = await Server.start({ ...options, settings });
  try {
    const folder = path.join(server.home, 'project');
    await cp(EXAMPLE, folder, { recursive: true });
    server.folder = folder;
    server.front = [python, '-m', 'cokernel'];
    const extensions = [];
    if (withJupyter) extensions.push(await packageStandIn(server.home));
    if (!underDevelopment) extensions.push(await extensionUnderTest());
    await server.installExtensions(extensions);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** Packaged once for all files of a run: `npm test` hands it on. */
function extensionUnderTest() {
  return process.env.COKERNEL_VSIX ?? packageExtension();
}

/** Names of the share records that are published. */
export async function publishedShares(server) {
  const folder = path.join(server.stateFolder, 'shares');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return (await readdir(folder)).filter((name) => name.endsWith('.json'));
}

/** What the command line says, as a person in a terminal sees it. */
export async function cokernel(server, ...args) {
  const { env, folder: cwd } = server;
  const { stdout } = await promisify(execFile)(python, ['-m', 'cokernel', ...args], { env, cwd });
  return stdout;
}

/** Where a picture of a test goes: a folder that CI keeps, else one beside the build. */
export function screenshotFile(name) {
  const folder =
    process.env.COKERNEL_SCREENSHOTS ?? path.join(HERE, '..', '..', 'out', 'screenshots');
  return path.join(folder, `${name.replaceAll(/[^\w]+/g, '-')}.png`);
}

/** Waits until `holds`; nothing depends on how long that takes. */
export async function until(what, holds) {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`It never came true that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
