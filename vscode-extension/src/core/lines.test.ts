import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineSplitter } from './lines';

test('a line that comes in pieces is put together', () => {
  const lines = new LineSplitter();
  assert.deepEqual(lines.push(Buffer.from('{"a"')), []);
  assert.deepEqual(lines.push(Buffer.from(': 1}\n{"b": 2}\n{')), ['{"a": 1}', '{"b": 2}']);
});

test('a character that is cut in two arrives whole', () => {
  const lines = new LineSplitter();
  const bytes = Buffer.from('×\n');
  assert.deepEqual(lines.push(bytes.subarray(0, 1)), []);
  assert.deepEqual(lines.push(bytes.subarray(1)), ['×']);
});

test('U+2028 does not end a line', () => {
  assert.deepEqual(new LineSplitter().push(Buffer.from('a\u2028b\n')), ['a\u2028b']);
});
