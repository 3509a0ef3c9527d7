/** Who may use kernels: asked once for each extension, remembered, and managed by a command. */
const path = require('node:path');
const vscode = require('vscode');

class Access {
  constructor() {
    /** Extension id → allowed. Lives as long as the window, like the secret storage of a fresh browser. */
    this.decisions = new Map();
    /** Kernel → ids of extensions whose question was cancelled for it. */
    this.cancelled = new WeakMap();
  }

  /** Whether the extension that is calling may use `kernel`; asks the person if it is not known. */
  async allows(kernel, extension) {
    const mode = vscode.workspace.getConfiguration('standin').get('access');
    if (!extension?.packageJSON.displayName || !vscode.workspace.isTrusted) return false;
    if (mode !== 'prompt') return mode === 'allow';
    if (this.decisions.has(extension.id)) return this.decisions.get(extension.id);
    if (this.cancelled.get(kernel)?.has(extension.id)) return false;
    return this.ask(kernel, extension);
  }

  async ask(kernel, { id, packageJSON }) {
    const answer = await vscode.window.showInformationMessage(
      `Do you want to grant Kernel access to the extension ${packageJSON.displayName} (${id})?`,
      { modal: true, detail: 'This allows the extension to execute code against Jupyter Kernels.' },
      'Allow',
      'Learn more',
      'Deny',
    );
    if (answer === 'Allow' || answer === 'Deny') this.decisions.set(id, answer === 'Allow');
    else this.cancelled.set(kernel, (this.cancelled.get(kernel) ?? new Set()).add(id));
    return answer === 'Allow';
  }

  async manage() {
    const users = vscode.extensions.all.filter(
      ({ packageJSON }) => packageJSON.publisher === 'cokernel',
    );
    const items = users.map((extension) => ({
      label: extension.packageJSON.displayName,
      picked: this.decisions.get(extension.id) === true,
      extension,
    }));
    const picked = await vscode.window.showQuickPick(items, {
      canPickMany: true,
      title: 'Manage Access To Jupyter Kernels',
    });
    for (const { extension } of picked ? items : []) {
      this.decisions.set(
        extension.id,
        picked.some((each) => each.extension === extension),
      );
    }
  }
}

/** The extension whose code is on the stack, as the Jupyter extension finds its callers. */
function caller() {
  const stack = new Error().stack ?? '';
  return vscode.extensions.all.find(({ id, extensionPath }) => {
    return id !== 'ms-toolsai.jupyter' && stack.includes(extensionPath + path.sep);
  });
}

module.exports = { Access, caller };
