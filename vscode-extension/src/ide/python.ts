/** Which Python the bridge runs in: a setting's, or the private environment, made with the person's consent. */
import * as vscode from 'vscode';
import type { Launch } from '../core/connection';
import {
  EnvironmentFailed,
  environmentFolder,
  findBasePython,
  findUv,
  findWheel,
  frontOf,
  interpreterOf,
  isReady,
  makeEnvironment,
  removeOthers,
  type BasePython,
  type EnvironmentPlan,
} from '../core/environment';
import { CannotShare } from '../core/kernel';
import { readSettings } from './settings';

/** The person did not want it, or stopped it. */
class Declined extends Error {
  override readonly name = 'Declined';
}

export class BridgePython {
  /** Interpreters of kernels that were seen: they are there, and people trust them. */
  private kernelInterpreter: string | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  sawKernelInterpreter(executable: string): void {
    this.kernelInterpreter = executable;
  }

  /** Whether a bridge can start without asking anything. */
  async isReady(): Promise<boolean> {
    const { command, interpreter } = readSettings();
    if (command.length > 0 || interpreter !== '') return true;
    return isReady(await this.folder());
  }

  /** How to start a bridge; makes the environment first where it is missing. Rejects with `CannotShare`. */
  async launch(): Promise<Launch> {
    const workspaces = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
    return { command: await this.command(), workspaces, env: environmentOfBridge() };
  }

  /** Where the bridge comes from, for diagnosis. */
  async describe(): Promise<string> {
    const { command, interpreter } = readSettings();
    if (command.length > 0) return `${command.join(' ')} (setting cokernel.command)`;
    if (interpreter !== '') return `${interpreter} (setting cokernel.interpreter)`;
    const folder = await this.folder();
    return `${interpreterOf(folder)} (${isReady(folder) ? 'private environment' : 'not made yet'})`;
  }

  /** What MCP clients outside VS Code start; makes the environment first where it is missing. */
  async frontCommand(): Promise<string[]> {
    const { command, interpreter } = readSettings();
    if (command.length > 0) return [...command];
    if (interpreter !== '') return [interpreter, '-m', 'cokernel'];
    return [frontOf(await this.madeFolder())];
  }

  private async command(): Promise<string[]> {
    const { command, interpreter } = readSettings();
    if (command.length > 0) return [...command, 'child'];
    if (interpreter !== '') return [interpreter, '-m', 'cokernel', 'child'];
    // Isolated: a PYTHONPATH meant for the person's own code must not reach the bridge.
    return [interpreterOf(await this.madeFolder()), '-I', '-m', 'cokernel', 'child'];
  }

  /** What is in the way when a bridge did not start, with the setting that is to blame if one is. */
  explain(error: Error): CannotShare {
    if (error instanceof CannotShare) return error;
    const { command, interpreter } = readSettings();
    const blamed = command.length > 0 ? 'cokernel.command' : interpreter && 'cokernel.interpreter';
    const next = blamed
      ? `The setting ${blamed} says what it is started from: change or clear it, and try again.`
      : 'The log has the details.';
    return new CannotShare('bridge', `${error.message} ${next}`);
  }

  private async madeFolder(): Promise<string> {
    try {
      const folder = await this.folder();
      if (!isReady(folder)) {
        await this.make(folder);
        await removeOthers(this.storage(), folder);
      }
      return folder;
    } catch (error) {
      this.log.error(`There is no private environment: ${String(error)}`);
      if (!(error instanceof Declined)) throw new CannotShare('bridge', (error as Error).message);
      throw new CannotShare(
        'bridge',
        'Claude needs the Python part of this extension. Try again to install it, or name an interpreter in cokernel.interpreter.',
      );
    }
  }

  private async folder(): Promise<string> {
    return environmentFolder(this.storage(), await this.wheel());
  }

  private wheel(): Promise<string> {
    return findWheel(this.context.asAbsolutePath('bundled'));
  }

  private storage(): string {
    return this.context.globalStorageUri.fsPath;
  }

  private async make(folder: string): Promise<void> {
    const [base, uv, wheel] = await Promise.all([this.basePython(), findUv(), this.wheel()]);
    await askConsent(folder, base, uv);
    const plan: EnvironmentPlan = { folder, wheel, base, uv };
    await vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: 'Installing the Python part of Share Kernel with Claude',
        cancellable: true,
      },
      (progress, token) => this.makeWithProgress(plan, progress, token),
    );
  }

  private async makeWithProgress(
    plan: EnvironmentPlan,
    progress: vscode.Progress<{ message: string }>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort(new Declined('Installation was stopped.')));
    await makeEnvironment(plan, {
      signal: abort.signal,
      onLine: (line) => {
        this.log.info(line);
        progress.report({ message: line.slice(0, 80) });
      },
    });
  }

  private async basePython(): Promise<BasePython> {
    const candidates = [['python3'], ['python'], ['py', '-3']];
    if (this.kernelInterpreter) candidates.unshift([this.kernelInterpreter]);
    const base = await findBasePython(candidates);
    if (base !== undefined) return base;
    throw new EnvironmentFailed(
      'No Python 3.10 or newer was found for the bridge. Install one, or name it in cokernel.interpreter.',
    );
  }
}

async function askConsent(folder: string, base: BasePython, uv: string | undefined): Promise<void> {
  const install = 'Install';
  const answer = await vscode.window.showInformationMessage(
    'Install the Python part of Share Kernel with Claude?',
    {
      modal: true,
      detail:
        'Claude reaches your kernel through a small Python program. It gets an environment of its own; yours stay as they are.\n\n' +
        `Folder: ${folder}\nPython: ${base.executable} (${base.version})\n` +
        `Packages are downloaded with ${uv ? 'uv' : 'pip'}, about 100 MB.`,
    },
    install,
  );
  if (answer !== install) throw new Declined('Installation was declined.');
}

/** The bridge is a plain Python program: nothing of the editor's own process belongs in its environment. */
function environmentOfBridge(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (/^(ELECTRON_|VSCODE_|NODE_OPTIONS$|PYTHONHOME$)/.test(name)) delete env[name];
  }
  return env;
}
