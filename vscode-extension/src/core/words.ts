/** The interface's words: the same in Spyder, VS Code and the terminal. */
import type { Activity, ActivityState, Change, Mode, Share } from './protocol';

export const MODE_LABELS: Readonly<Record<Mode, string>> = {
  free: 'Run freely',
  ask: 'Ask me',
  look: 'Look only',
};

export const MODE_DETAILS: Readonly<Record<Mode, string>> = {
  free: 'Claude runs code without asking.',
  ask: 'Each run waits until you have allowed it.',
  look: 'Claude sees variables and activity, and runs nothing.',
};

const STATE_LABELS: Readonly<Record<ActivityState, string>> = {
  queued: 'queued',
  waiting_approval: 'waiting for you',
  running: 'running',
  waiting_input: 'waiting for input',
  ok: 'ok',
  error: 'error',
  interrupted: 'interrupted',
  aborted: 'never ran',
  denied: 'denied',
  restarted: 'restarted',
  lost: 'lost',
  failed: 'failed',
};

/** `35 ms`, `0.42 s`, `12 s`, `3 min 05 s`, `2 h 05 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 0.1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${pad(Math.floor(seconds % 60))} s`;
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** Of something that still goes on: whole seconds, so that the text ticks once a second. */
export function formatElapsed(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return whole < 10 ? `${whole} s` : formatDuration(whole);
}

/** `14:02:11`, local time. */
export function formatTime(epochSeconds: number): string {
  const time = new Date(epochSeconds * 1000);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(pad).join(':');
}

/** What stands beside a call in a list: `0.42 s`, `running 12 s`, `denied`. `now` in seconds. */
export function describeState(activity: Activity, now: number): string {
  const { state, started_at: started, finished_at: finished } = activity;
  if (state === 'running') return `running ${formatElapsed(now - (started ?? now))}`;
  if (state === 'queued') return activity.reason || STATE_LABELS.queued;
  const word = STATE_LABELS[state];
  if (started === null || finished === null) return word;
  const took = formatDuration(finished - started);
  return state === 'ok' ? took : `${word} ${took}`;
}

/** The one line that stands for a call: the first line of its code, or the tool and its argument. */
export function headline(activity: Activity): string {
  const line = visibleCode(firstLine(activity.code));
  if (activity.kind === 'run') return line || activity.tool;
  return `${activity.tool} ${line}`.trim();
}

/** What the person is asked; what would be run or typed is shown below it. The same as `question_words` in Python. */
export function describeQuestion(activity: Activity): string {
  const { client, kernel, tool, code } = activity;
  if (wishOf(activity) === 'run') return visibleCode(`${client} wants to run this in ${kernel}`);
  if (wishOf(activity) === 'type') {
    return visibleCode(`${client} wants to type this into ${kernel}`);
  }
  const environment = tool === 'start_kernel' ? `: ${code}` : '';
  return visibleCode(`${client} wants to start a kernel${environment}`);
}

/** The same in a sentence that stands alone: in a notification, in the status bar. */
export function describeWish(activity: Activity): string {
  const { client, kernel } = activity;
  const wishes = {
    run: `${client} wants to run code in ${kernel}.`,
    type: `${client} wants to type into ${kernel}.`,
    start: `${client} wants to start a kernel.`,
  };
  return visibleCode(wishes[wishOf(activity)]);
}

function wishOf({ kind, tool }: Activity): 'run' | 'type' | 'start' {
  if (kind === 'run') return 'run';
  return tool === 'check_execution' ? 'type' : 'start';
}

/** A notification makes links, even of commands, of what looks like one: names that clients chose must not. */
export function withoutLinks(sentence: string): string {
  return sentence.replaceAll('](', '] (');
}

/**
 * Code as a person must see it to judge it: characters that show nothing or turn the order of others are named.
 * The same rule as `visible_code` on the Python side.
 */
export function visibleCode(code: string): string {
  return code
    .replace(/\r\n/g, '\n')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) =>
      character === '\n' || character === '\t' ? character : `⟨U+${codePoint(character)}⟩`,
    );
}

function codePoint(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}

/** A long output as the kept text before and after what is not held any more. Counted as Python counts: in code points. */
export function aroundDropped(text: string, droppedAt: number): readonly [string, string] {
  let end = 0;
  for (let left = droppedAt; left > 0 && end < text.length; left--) {
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  return [text.slice(0, end), text.slice(end)];
}

/** `new: model (Ridge)`. */
export function describeChange(change: Change): string {
  const words: Record<string, string> = {
    new: 'new',
    removed: 'removed',
    rebound: 'changed',
    mutated: 'changed',
    possibly: 'possibly changed',
  };
  const detail = change.detail ? ` (${change.detail})` : '';
  return visibleCode(`${words[change.how] ?? change.how}: ${change.name}${detail}`);
}

/** A sentence about a share that is not simply up; empty if it is. */
export function describeShare(share: Share): string {
  if (share.detail) return share.detail;
  const sentences: Record<Share['state'], string> = {
    connecting: `Connecting to ${share.title}.`,
    up: share.paused ? 'Paused: no new run begins.' : '',
    restarting: `The kernel of ${share.title} is being restarted.`,
    silent: `The kernel of ${share.title} does not answer.`,
    dead: `The kernel of ${share.title} ended. Run a cell to start it again.`,
    closed: `${share.title} is not shared any more.`,
  };
  return sentences[share.state];
}

/** `3 runs`, `1 run`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** The first line that says something: past comments and imports, if there is more than those. */
function firstLine(code: string): string {
  const lines = code.split('\n').map((line) => line.trim());
  const isPlain = (line: string): boolean =>
    line !== '' && !/^(#|import\b|from\b.*\bimport\b)/.test(line);
  return lines.find(isPlain) ?? lines.find(Boolean) ?? '';
}

function pad(number: number): string {
  return String(number).padStart(2, '0');
}
