/**
 * A code-server with folders of its own: nothing of the user's VS Code, nothing outside loopback, gone when stopped.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { ensureCodeServer } from './code-server.mjs';

const START_TIMEOUT_MS = 120_000;

/** A quiet VS Code: no welcome page, no accounts, no other agents, no network. */
const QUIET = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'remote.autoForwardPorts': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'window.commandCenter': false,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

const NO_GALLERY = JSON.stringify({ serviceUrl: '', itemUrl: '', resourceUrlTemplate: '' });

/**
 * @typedef {object} ServerOptions
 * @property {Record<string, unknown>} [settings] beside the quiet ones
 * @property {string[]} [flags] of code-server
 * @property {Record<string, string>} [env]
 * @property {boolean} [asksForTrust] folders are untrusted until the person trusts them
 */

export class Server {
  /** @param {ServerOptions} options */
  static async start(options = {}) {
    const { node, entry } = await ensureCodeServer();
    const home = await mkdtemp(path.join(tmpdir(), 'cokernel-vscode-'));
    const server = new Server(node, entry, home, await freePort(), options);
    try {
      await server.#prepare();
      await server.#launch();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  #child;
  #said = '';

  constructor(node, entry, home, port, options) {
    this.node = node;
    this.entry = entry;
    /** Everything of this server: user data, extensions, state, logs. */
    this.home = home;
    this.port = port;
    this.options = options;
    this.stateFolder = path.join(home, 'state');
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The environment that VS Code, its kernels and bridges run in. */
  get env() {
    return {
      ...process.env,
      HOME: this.home,
      XDG_RUNTIME_DIR: path.join(this.home, 'run'),
      COKERNEL_STATE_DIR: this.stateFolder,
      EXTENSIONS_GALLERY: NO_GALLERY,
      ...this.options.env,
    };
  }

  /** @param {string[]} files .vsix files; VS Code sees them when its next window opens */
  async installExtensions(files) {
    for (const file of files) {
      const child = this.#spawn(['--install-extension', file]);
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`${path.basename(file)} was not installed.\n${this.#said}`);
    }
  }

  async stop() {
    if (this.#child && this.#child.exitCode === null) {
      const gone = once(this.#child, 'exit');
      // The whole group: the extension host would otherwise outlive a closed page by hours.
      process.kill(-this.#child.pid, 'SIGTERM');
      const timer = setTimeout(() => process.kill(-this.#child.pid, 'SIGKILL'), 10_000);
      await gone;
      clearTimeout(timer);
    }
    await rm(this.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  }

  async #prepare() {
    await mkdir(path.join(this.home, 'run'), { mode: 0o700 });
    await this.configure();
  }

  /** @param {Record<string, unknown>} [changes] settings beside those it was started with; earlier changes are gone */
  async configure(changes = {}) {
    const settings = { ...QUIET, ...this.options.settings, ...changes };
    // Settings of the machine scope are read from the second one only.
    for (const scope of ['User', 'Machine']) {
      const folder = path.join(this.home, 'data', scope);
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, 'settings.json'), JSON.stringify(settings, null, 2));
    }
  }

  async #launch() {
    const flags = ['--auth', 'none', '--disable-telemetry', '--disable-update-check'];
    if (!this.options.asksForTrust) flags.push('--disable-workspace-trust');
    flags.push('--disable-getting-started-override', '--bind-addr', `127.0.0.1:${this.port}`);
    flags.push(...(this.options.flags ?? []));
    this.#child = this.#spawn(flags);
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await this.#answers())) {
      if (this.#child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`code-server did not start.\n${this.#said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async #answers() {
    try {
      return (await fetch(`${this.url}/healthz`)).ok;
    } catch {
      return false;
    }
  }

  #spawn(flags) {
    const data = ['--user-data-dir', path.join(this.home, 'data')];
    const extensions = ['--extensions-dir', path.join(this.home, 'extensions')];
    const child = spawn(this.node, [this.entry, ...data, ...extensions, ...flags], {
      env: this.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        this.#said = (this.#said + chunk).slice(-8000);
      });
    }
    return child;
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
