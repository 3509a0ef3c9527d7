import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import {
  BridgeError,
  ProtocolError,
  decodeAnswer,
  decodeLine,
  encodeCommand,
  type Command,
  type CommandArguments,
} from './protocol';

const CONTRACT = path.resolve(__dirname, '..', '..', '..', 'tests', 'contract');

interface Exchange {
  readonly command: { readonly id: number; readonly do: Command } & Record<string, unknown>;
  readonly answer: {
    readonly id: number;
    readonly ok?: unknown;
    readonly error?: { code: string };
  };
}

function read<T>(name: string): T[] {
  const lines = readFileSync(path.join(CONTRACT, name), 'ascii').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

test('every event of the contract is read whole', () => {
  for (const line of read<object>('events.jsonl')) {
    assert.deepEqual(decodeLine(JSON.stringify(line)), { kind: 'event', event: line });
  }
});

test('every answer of the contract is read whole', () => {
  for (const { command, answer } of read<Exchange>('exchanges.jsonl')) {
    const incoming = decodeLine(JSON.stringify(answer));
    if (incoming.kind === 'ok') assert.deepEqual(decodeAnswer(command.do, incoming.ok), answer.ok);
    else assert.equal(incoming.kind === 'refused' && incoming.error.code, answer.error?.code);
  }
});

test('every command of the contract is written as it stands there', () => {
  for (const { command } of read<Exchange>('exchanges.jsonl')) {
    const { id, do: name, ...rest } = command;
    const line = encodeCommand(id, name, rest as unknown as CommandArguments[Command]);
    assert.deepEqual(JSON.parse(line), command);
    assert.ok(line.endsWith('\n'));
  }
});

test('an argument that is not set does not go over the wire', () => {
  const line = encodeCommand(1, 'interrupt', { share: 'a', number: undefined });
  assert.deepEqual(JSON.parse(line), { id: 1, do: 'interrupt', share: 'a' });
});

test('a refusal of a line that could not be read has no id', () => {
  const incoming = decodeLine('{"id": null, "error": {"code": "bad_request", "message": "No."}}');
  assert.ok(incoming.kind === 'refused' && incoming.id === null);
  assert.ok(incoming.error instanceof BridgeError);
});

test('a field that is not known yet is ignored', () => {
  const line = '{"event": "outputs", "share": "a", "number": 1, "later": true}';
  const event = { event: 'outputs', share: 'a', number: 1 };
  assert.deepEqual(decodeLine(line), { kind: 'event', event });
});

for (const line of ['', '{', '[]', '{"event": "dance"}', '{"event": "share", "share": {}}']) {
  test(`a line that says nothing is a protocol error: ${line}`, () => {
    assert.throws(() => decodeLine(line), ProtocolError);
  });
}

test('an answer of the wrong shape is a protocol error', () => {
  assert.throws(() => decodeAnswer('interrupt', { interrupted: 'two' }), ProtocolError);
});
