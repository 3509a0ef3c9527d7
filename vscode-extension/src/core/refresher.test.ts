import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Refresher } from './refresher';

function arrange(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  let updates = 0;
  const refresher = new Refresher(() => updates++);
  return { refresher, updates: () => updates, timers: t.mock.timers };
}

test('many changes in one moment are drawn once', (t) => {
  const { refresher, updates, timers } = arrange(t);
  for (let change = 0; change < 100; change++) refresher.within(100);
  timers.tick(1000);
  assert.equal(updates(), 1);
});

test('a change does not wait for the next tick of the clock', (t) => {
  const { refresher, updates, timers } = arrange(t);
  refresher.within(1000);
  refresher.within(100);
  timers.tick(100);
  assert.equal(updates(), 1);
  timers.tick(1000);
  assert.equal(updates(), 1);
});

test('a tick does not put off a change', (t) => {
  const { refresher, updates, timers } = arrange(t);
  refresher.within(100);
  refresher.within(1000);
  timers.tick(100);
  assert.equal(updates(), 1);
});

test('nothing is drawn after the end', (t) => {
  const { refresher, updates, timers } = arrange(t);
  refresher.within(100);
  refresher.dispose();
  timers.tick(1000);
  assert.equal(updates(), 0);
});
