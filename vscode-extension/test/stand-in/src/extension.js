/** The stand-in's controllers and its API. See README.md for what is faithful. */
const vscode = require('vscode');
const { Access, caller } = require('./access');
const { Session } = require('./session');

const TYPES = ['jupyter-notebook', 'interactive'];
const Item = vscode.NotebookCellOutputItem;

function activate(context) {
  const standIn = new StandIn();
  context.subscriptions.push(standIn);
  return standIn.api();
}

class StandIn {
  constructor() {
    this.sessions = new Map();
    this.access = new Access();
    this.kernels = new WeakMap();
    this.windows = 0;
    const restart = () => this.activeSession()?.restart();
    this.disposables = [
      ...TYPES.map((type) => this.controller(type)),
      vscode.workspace.onDidCloseNotebookDocument((notebook) => this.close(notebook)),
      vscode.commands.registerCommand('jupyter.restartkernel', restart),
      vscode.commands.registerCommand('jupyter.manageAccessToKernels', () => this.access.manage()),
      vscode.commands.registerCommand('jupyter.createnewinteractive', () => this.openWindow()),
      vscode.commands.registerCommand('standin.runSelection', () => this.runSelection()),
    ];
  }

  api() {
    const getKernel = async (uri) => {
      const session = this.sessions.get(uri.toString());
      return session?.userStarted ? this.kernelOf(session) : undefined;
    };
    return { ready: Promise.resolve(), kernels: { getKernel } };
  }

  dispose() {
    for (const session of this.sessions.values()) session.shutdown();
    for (const disposable of this.disposables) disposable.dispose();
  }

  controller(type) {
    const controller = vscode.notebooks.createNotebookController(
      `standin-${type}`,
      type,
      'Python 3',
    );
    controller.supportsExecutionOrder = true;
    controller.supportedLanguages = ['python'];
    controller.interruptHandler = (notebook) => this.sessionOf(notebook).interrupt();
    controller.executeHandler = (cells, notebook) => this.runCells(controller, cells, notebook);
    const prefer = (notebook) => {
      if (notebook.notebookType !== type) return;
      controller.updateNotebookAffinity(notebook, vscode.NotebookControllerAffinity.Preferred);
    };
    vscode.workspace.notebookDocuments.forEach(prefer);
    const opened = vscode.workspace.onDidOpenNotebookDocument(prefer);
    if (type === 'interactive') this.interactive = controller;
    return vscode.Disposable.from(controller, opened);
  }

  async runCells(controller, cells, notebook) {
    for (const cell of cells) {
      const session = this.sessionOf(notebook);
      session.userStarted = true;
      const execution = controller.createNotebookCellExecution(cell);
      execution.start(Date.now());
      await execution.clearOutput();
      const onOutput = (message) => void execution.appendOutput(toOutput(message));
      const { done } = session.run(cell.document.getText(), { isCell: true, onOutput });
      const { status, execution_count: count } = await done;
      if (count !== null) execution.executionOrder = count;
      execution.end(status === 'ok', Date.now());
      if (status !== 'ok') return;
    }
  }

  sessionOf(notebook) {
    const key = notebook.uri.toString();
    const known = this.sessions.get(key);
    // Running a cell after the kernel has died starts another one.
    if (known && known.status !== 'dead') return known;
    known?.shutdown();
    const session = new Session(notebook);
    this.sessions.set(key, session);
    return session;
  }

  activeSession() {
    const active = vscode.window.activeNotebookEditor?.notebook;
    return active && this.sessions.get(active.uri.toString());
  }

  close(notebook) {
    this.sessions.get(notebook.uri.toString())?.shutdown();
    this.sessions.delete(notebook.uri.toString());
  }

  async openWindow() {
    const uri = vscode.Uri.from({
      scheme: 'untitled',
      path: `/Interactive-${++this.windows}.interactive`,
    });
    const controller = `ms-toolsai.jupyter/${this.interactive.id}`;
    const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    await vscode.commands.executeCommand(
      'interactive.open',
      column,
      uri,
      controller,
      'Interactive-1',
    );
    return uri;
  }

  async runSelection() {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return;
    const find = () =>
      vscode.workspace.notebookDocuments.find((each) => each.notebookType === 'interactive');
    if (!find()) await this.openWindow();
    const notebook = find();
    const { document, selection } = editor;
    const code = selection.isEmpty ? document.getText() : document.getText(selection);
    const cell = new vscode.NotebookCellData(vscode.NotebookCellKind.Code, code, 'python');
    const index = notebook.cellCount;
    const edit = new vscode.WorkspaceEdit();
    edit.set(notebook.uri, [vscode.NotebookEdit.insertCells(index, [cell])]);
    await vscode.workspace.applyEdit(edit);
    const ranges = [{ start: index, end: index + 1 }];
    await vscode.commands.executeCommand('notebook.cell.execute', {
      ranges,
      document: notebook.uri,
    });
  }

  /** What other extensions get of a session; the same object for as long as the session lives. */
  kernelOf(session) {
    const known = this.kernels.get(session);
    if (known) return known;
    const { access } = this;
    const kernel = Object.freeze({
      language: vscode.workspace.getConfiguration('standin').get('language'),
      get status() {
        return session.status;
      },
      onDidChangeStatus: session.statusEmitter.event,
      get onDidReceiveDisplayUpdate() {
        throw new Error('Proposed API is not supported for this extension');
      },
      executeCode: (code, token) =>
        executeCode({ kernel, session, access, code, token, who: caller() }),
    });
    this.kernels.set(session, kernel);
    return kernel;
  }
}

async function* executeCode({ kernel, session, access, code, token, who }) {
  if (!(await access.allows(kernel, who))) {
    const error = new Error('Access to Jupyter Kernel has been revoked');
    throw Object.assign(error, { name: 'vscode.jupyter.apiAccessRevoked' });
  }
  if (session.status === 'dead') throw new Error('Canceled future for execute_request message');
  const outputs = [];
  let failure;
  let wake = () => undefined;
  let isOver = false;
  const onOutput = (message) => {
    if (message.kind === 'error') failure = new Error(message.evalue);
    outputs.push(toOutput(message));
    wake();
  };
  const { done, cancel } = session.run(code, { isCell: false, onOutput });
  token.onCancellationRequested(cancel);
  void done.then(({ status }) => {
    if (status === 'dead') failure = new Error('The kernel died');
    isOver = true;
    wake();
  });
  for (;;) {
    while (outputs.length > 0) yield outputs.shift();
    if (isOver) break;
    await new Promise((resolve) => (wake = resolve));
  }
  if (failure) throw failure;
}

function toOutput(message) {
  const { NotebookCellOutput } = vscode;
  if (message.kind === 'stdout') return new NotebookCellOutput([Item.stdout(message.text)]);
  if (message.kind === 'stderr') return new NotebookCellOutput([Item.stderr(message.text)]);
  if (message.kind === 'error') {
    const { ename: name, evalue, traceback } = message;
    return new NotebookCellOutput([
      Item.error({ name, message: evalue, stack: traceback.join('\n') }),
    ]);
  }
  return new NotebookCellOutput(Object.entries(message.data).map(toItem));
}

function toItem([mime, data]) {
  if (mime.startsWith('image/') && mime !== 'image/svg+xml') {
    return new Item(Buffer.from(data, 'base64'), mime);
  }
  return typeof data === 'string' ? Item.text(data, mime) : Item.json(data, mime);
}

module.exports = { activate };
