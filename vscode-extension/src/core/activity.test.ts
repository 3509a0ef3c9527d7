import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ActivityModel, keyOf } from './activity';
import type { Activity } from './protocol';
import { makeActivity } from './testing';

function modelWith(...activities: Partial<Activity>[]): ActivityModel {
  const model = new ActivityModel();
  for (const parts of activities) model.take({ event: 'activity', activity: makeActivity(parts) });
  return model;
}

test('the newest call comes first', () => {
  const model = modelWith({ number: 1, created_at: 1 }, { number: 2, created_at: 2 });
  assert.deepEqual(
    model.list().map(({ number }) => number),
    [2, 1],
  );
});

test('each step of a call takes the place of the one before', () => {
  const model = modelWith({ state: 'running' }, { state: 'ok' });
  assert.deepEqual(
    model.list().map(({ state }) => state),
    ['ok'],
  );
});

test('what waits for the person is told apart from what runs', () => {
  const model = modelWith(
    { number: 1, state: 'running' },
    { number: 2, state: 'waiting_approval', approval: 'a1' },
    { number: 3, state: 'running', origin: 'user' },
  );
  assert.deepEqual(
    [model.running(), model.waiting()].map((found) => found.map(({ number }) => number)),
    [[1], [2]],
  );
});

test('a name shows the newest change of it', () => {
  const change = (detail: string) => [{ name: 'df', how: 'mutated', detail }];
  const model = modelWith(
    { number: 1, changes: change('4 columns') },
    { number: 2, changes: change('5 columns') },
    { number: 3, origin: 'user', changes: change('by hand') },
  );
  const [only] = model.changes('scripted-1');
  assert.equal(only?.change.detail, '5 columns');
});

test('when the bridge ends, unfinished calls are lost and a new bridge may count from 1 again', () => {
  const model = modelWith({ number: 1, state: 'running', created_at: 1 });
  model.bridgeEnded();
  model.take({ event: 'activity', activity: makeActivity({ number: 1, created_at: 2 }) });
  assert.deepEqual(
    model.list().map(({ state }) => state),
    ['ok', 'lost'],
  );
});

test('a call is found by its key', () => {
  const model = modelWith({ number: 4, code: 'y' });
  assert.equal(model.find(keyOf(makeActivity({ number: 4 })))?.code, 'y');
});

test('clearing keeps what has not ended', () => {
  const model = modelWith({ number: 1, state: 'ok' }, { number: 2, state: 'running' });
  model.clear();
  assert.deepEqual(
    model.list().map(({ number }) => number),
    [2],
  );
});

test('ten thousand calls are kept, and no more', () => {
  const model = new ActivityModel();
  for (let number = 1; number <= 10_050; number++) {
    model.take({ event: 'activity', activity: makeActivity({ number }) });
  }
  assert.equal(model.list().length, 10_000);
  assert.equal(model.list().at(-1)?.number, 51);
});

test('what was left out while nobody read is asked for', async () => {
  const model = modelWith({ number: 1, state: 'running' });
  const activities = [makeActivity({ number: 1 }), makeActivity({ number: 2, state: 'running' })];
  const asked: unknown[] = [];
  const bridge = {
    request: (command: string, args: object) => {
      asked.push([command, args]);
      return Promise.resolve({ activities } as never);
    },
  };
  await model.catchUp(bridge, 'scripted-1');
  assert.deepEqual(asked, [['activities', { share: 'scripted-1' }]]);
  assert.deepEqual(
    model.list().map(({ number, state }) => [number, state]),
    [
      [2, 'running'],
      [1, 'ok'],
    ],
  );
});
