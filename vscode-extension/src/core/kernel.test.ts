import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOCATE_CODE, readLocation, requireLocal } from './kernel';
import { ScriptedKernel } from './testing';

test('the location is found among whatever else is printed', () => {
  const printed = 'a warning\n@@cokernel-location@@{"connectionFile": "/k.json", "pid": 1}\nmore\n';
  assert.equal(readLocation(printed).connectionFile, '/k.json');
});

test('a kernel that says nothing is explained', () => {
  assert.throws(() => readLocation('hello\n'), { obstacle: 'no-answer' });
});

test('the code that asks is one expression and leaves no name behind', () => {
  assert.match(LOCATE_CODE, /^exec\(".*", \{\}\)$/);
});

test('a process that has ended is not local', async () => {
  const kernel = new ScriptedKernel();
  kernel.moves({ pid: 2 ** 30 });
  await assert.rejects(requireLocal(await kernel.locate()), { obstacle: 'remote' });
});

test('a connection file that is not there is not local', async () => {
  const kernel = new ScriptedKernel();
  kernel.moves({ connectionFile: '/nowhere/kernel.json' });
  await assert.rejects(requireLocal(await kernel.locate()), { obstacle: 'remote' });
});
