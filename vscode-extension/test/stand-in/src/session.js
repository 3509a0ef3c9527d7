/** One notebook's kernel: a process that hosts it, a queue in front of it, and its status. */
const cp = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');
const vscode = require('vscode');

const HOST = path.join(__dirname, '..', 'python', 'kernel_host.py');

class Session {
  constructor(notebook) {
    this.status = 'starting';
    this.userStarted = false;
    this.statusEmitter = new vscode.EventEmitter();
    this.nextId = 1;
    this.waiting = [];
    this.running = undefined;
    this.isReady = false;
    this.start(notebook);
  }

  start(notebook) {
    const python = vscode.workspace.getConfiguration('standin').get('python');
    const cwd = notebook.uri.scheme === 'file' ? path.dirname(notebook.uri.fsPath) : undefined;
    const server = vscode.workspace.getConfiguration('standin').get('server');
    this.host = cp.spawn(python, server ? [HOST, server] : [HOST], {
      cwd,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.host.stdin.on('error', () => undefined);
    this.host.once('exit', () => this.become('dead'));
    const lines = readline.createInterface({ input: this.host.stdout });
    lines.on('line', (line) => this.take(JSON.parse(line)));
  }

  /**
   * Runs code when its turn comes; cells of the person go before code of extensions.
   *
   * @returns {{done: Promise<object>, cancel: () => void}}
   */
  run(code, { isCell, onOutput }) {
    const job = { id: this.nextId++, code, isCell, onOutput };
    job.done = new Promise((resolve) => (job.resolve = resolve));
    const behind = isCell ? this.waiting.findIndex((each) => !each.isCell) : -1;
    this.waiting.splice(behind < 0 ? this.waiting.length : behind, 0, job);
    this.pump();
    return { done: job.done, cancel: () => this.cancel(job) };
  }

  interrupt() {
    this.send({ op: 'interrupt' });
  }

  restart() {
    this.isReady = false;
    this.become('restarting');
    this.send({ op: 'restart' });
  }

  shutdown() {
    this.send({ op: 'shutdown' });
    this.host.stdin.end();
  }

  cancel(job) {
    if (this.running === job) this.interrupt();
    else this.waiting = this.waiting.filter((each) => each !== job);
    if (this.running !== job) job.resolve({ status: 'cancelled', execution_count: null });
  }

  pump() {
    if (!this.isReady || this.running || this.waiting.length === 0) return;
    this.running = this.waiting.shift();
    const { id, code, isCell } = this.running;
    this.send({ op: 'execute', id, code, store: isCell });
  }

  take(message) {
    if (message.event === 'ready') {
      this.isReady = true;
      this.become('idle');
    } else if (message.event === 'died') this.become('dead');
    else if (message.event === 'status') {
      if (this.isReady) this.become(message.status);
    } else if (message.id === this.running?.id) this.takeOfJob(message);
    this.pump();
  }

  takeOfJob(message) {
    const job = this.running;
    if (message.event === 'output') {
      job.onOutput(message);
      return;
    }
    this.running = undefined;
    job.resolve(message);
  }

  become(status) {
    if (status === 'dead') {
      this.isReady = false;
      this.running?.resolve({ status: 'dead', execution_count: null });
      this.running = undefined;
    }
    if (status === this.status) return;
    this.status = status;
    this.statusEmitter.fire(status);
  }

  send(request) {
    this.host.stdin.write(`${JSON.stringify(request)}\n`);
  }
}

module.exports = { Session };
