import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Activity } from './protocol';
import { makeActivity } from './testing';
import {
  aroundDropped,
  describeChange,
  describeQuestion,
  describeState,
  describeWish,
  formatDuration,
  formatElapsed,
  headline,
  visibleCode,
  withoutLinks,
} from './words';

test('durations read as in the other faces', () => {
  const cases: [number, string][] = [
    [0.0351, '35 ms'],
    [0.42, '0.42 s'],
    [12.4, '12 s'],
    [185, '3 min 05 s'],
    [7505, '2 h 05 min'],
  ];
  for (const [seconds, text] of cases) assert.equal(formatDuration(seconds), text);
});

test('what still goes on is told in whole seconds', () => {
  assert.equal(formatElapsed(0.3), '0 s');
  assert.equal(formatElapsed(12.9), '12 s');
  assert.equal(formatElapsed(-1), '0 s');
});

const STATES: [Partial<Activity>, string][] = [
  [{ state: 'running', started_at: 100 }, 'running 12 s'],
  [{ state: 'queued', reason: 'queued behind your cell' }, 'queued behind your cell'],
  [{ state: 'waiting_approval' }, 'waiting for you'],
  [{ state: 'ok', started_at: 100, finished_at: 100.42 }, '0.42 s'],
  [{ state: 'error', started_at: 100, finished_at: 100.035 }, 'error 35 ms'],
  [{ state: 'denied', finished_at: 100 }, 'denied'],
];
for (const [activity, text] of STATES) {
  test(`a call that is ${activity.state ?? ''} reads: ${text}`, () => {
    assert.equal(describeState(makeActivity(activity), 112.4), text);
  });
}

test('a run is named by its first line of code, past comments and imports', () => {
  const code = '\n# load\nimport x\nfrom y import z\n  df = load()\ndf';
  assert.equal(headline(makeActivity({ code })), 'df = load()');
  assert.equal(headline(makeActivity({ code: 'import numpy' })), 'import numpy');
  assert.equal(headline(makeActivity({ code: '# only this' })), '# only this');
});

test('a look is named by its tool and argument', () => {
  const look = makeActivity({ kind: 'look', tool: 'inspect', code: 'df' });
  assert.equal(headline(look), 'inspect df');
});

test('lists show what would hide or turn other characters, too', () => {
  assert.equal(headline(makeActivity({ code: 'a\u202eb' })), 'a⟨U+202E⟩b');
  const look = makeActivity({ kind: 'look', tool: 'inspect', code: 'a\u001b[2J' });
  assert.equal(headline(look), 'inspect a⟨U+001B⟩[2J');
});

const WISHES: [Partial<Activity>, string, string][] = [
  [{}, 'run this in analysis.ipynb', 'run code in analysis.ipynb.'],
  [
    { kind: 'control', tool: 'check_execution', code: 'drop()' },
    'type this into analysis.ipynb',
    'type into analysis.ipynb.',
  ],
  [
    { kind: 'control', tool: 'start_kernel', code: '/home/me/venv' },
    'start a kernel: /home/me/venv',
    'start a kernel.',
  ],
  [{ kind: 'control', tool: 'use_kernel', code: 'new' }, 'start a kernel', 'start a kernel.'],
];
for (const [activity, question, sentence] of WISHES) {
  test(`a question says that the client wants to ${question}`, () => {
    const waiting = makeActivity({ ...activity, state: 'waiting_approval' });
    assert.equal(describeQuestion(waiting), `Claude Code wants to ${question}`);
    assert.equal(describeWish(waiting), `Claude Code wants to ${sentence}`);
  });
}

test('a name that a client chose is no link in a notification', () => {
  assert.equal(withoutLinks('[Claude](command:x) asks'), '[Claude] (command:x) asks');
});

test('a long output is parted where text is missing', () => {
  assert.deepEqual(aroundDropped('🙂head\ntail', 6), ['🙂head\n', 'tail']);
  assert.deepEqual(aroundDropped('tail', 0), ['', 'tail']);
});

test('a change names what happened and to what', () => {
  const change = { name: 'X', how: 'mutated', detail: '1000×4 → 1000×5' };
  assert.equal(describeChange(change), 'changed: X (1000×4 → 1000×5)');
});

test('code is shown with what would hide in it', () => {
  assert.equal(visibleCode("x = 1\n\ty = 'é 中 🙂'\n"), "x = 1\n\ty = 'é 中 🙂'\n");
  assert.equal(visibleCode('a\r\nb'), 'a\nb');
  assert.equal(visibleCode('safe() \u202e# )(live'), 'safe() ⟨U+202E⟩# )(live');
  assert.equal(visibleCode('us\u200ber = 1'), 'us⟨U+200B⟩er = 1');
});
