/**
 * A bridge for tests that need no kernel: answers each command as the examples under tests/contract do.
 *
 *     node scriptedBridge.mjs [--die-after=<command>] [--version=<n>] [--silent-death]
 *
 * A share gets the id it asks for, else `scripted-1`. Every command is repeated on stderr, for the test to read.
 */
import process from 'node:process';
import { createInterface } from 'node:readline';

const options = new Map(process.argv.slice(2).map((each) => each.replace(/^--/, '').split('=')));
const send = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const shareOf = ({ share, title, connection_file, kernel_pid, mode }) => ({
  share: share ?? 'scripted-1',
  title: title ?? 'analysis.ipynb',
  state: 'up',
  mode: mode ?? 'ask',
  paused: false,
  detail: '',
  connection_file: connection_file ?? '',
  kernel_pid: kernel_pid ?? null,
});

const answers = {
  hello: () => ({ version: 1, pid: process.pid, cokernel: '0.1.0', front: ['cokernel'] }),
  share: shareOf,
  retarget: shareOf,
  rename: shareOf,
  set_mode: shareOf,
  pause: shareOf,
  interrupt: () => ({ interrupted: 1 }),
  outputs: () => ({ outputs: [] }),
  variables: () => ({ variables: [] }),
  activities: () => ({ activities: [] }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  process.stderr.write(`${line}\n`);
  if (options.get('die-after') === command.do) process.exit(7);
  if (command.do === 'hello' && options.has('refuse')) {
    send({
      id: command.id,
      error: { code: 'unsupported', message: 'Update the older of the two.' },
    });
    continue;
  }
  send({ id: command.id, ok: (answers[command.do] ?? (() => ({})))(command) });
  if (command.do === 'hello') send({ event: 'started' });
  if (command.do === 'stop') break;
}
