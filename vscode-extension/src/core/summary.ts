/** The whole state in one glance: what the status bar shows, and what the badge counts. */
import type { ActivityModel } from './activity';
import type { SharedKernel } from './shares';
import { MODE_LABELS, count, describeShare, describeWish, formatElapsed } from './words';

export type Attention = 'off' | 'starting' | 'sharing' | 'running' | 'waiting' | 'trouble';

export interface Summary {
  readonly attention: Attention;
  /** `Claude: running 12 s`. */
  readonly text: string;
  /** The whole state in a sentence. */
  readonly sentence: string;
}

/** `now` in seconds since the epoch. */
export function summarize(
  shares: readonly SharedKernel[],
  model: ActivityModel,
  now: number,
): Summary {
  const first = shares[0];
  if (first === undefined) {
    return {
      attention: 'off',
      text: 'Claude: off',
      sentence: 'No kernel is shared with Claude.',
    };
  }
  return (
    waiting(model) ??
    running(model, now) ??
    trouble(shares) ??
    restarting(shares) ??
    starting(shares) ??
    sharing(first, shares)
  );
}

function waiting(model: ActivityModel): Summary | undefined {
  const [first] = model.waiting();
  if (first === undefined) return undefined;
  return {
    attention: 'waiting',
    text: 'Claude: waiting for you',
    sentence: describeWish(first),
  };
}

function running(model: ActivityModel, now: number): Summary | undefined {
  const [first] = model.running();
  if (first === undefined) return undefined;
  const elapsed = formatElapsed(now - (first.started_at ?? now));
  return {
    attention: 'running',
    text: `Claude: running ${elapsed}`,
    sentence: `${first.client} has been running code in ${first.kernel} for ${elapsed}.`,
  };
}

function trouble(shares: readonly SharedKernel[]): Summary | undefined {
  const troubled = shares.find((share) => share.phase === 'lost');
  if (troubled === undefined) return undefined;
  return {
    attention: 'trouble',
    text: `Claude: ${troubled.title} lost`,
    sentence: troubled.problem,
  };
}

function restarting(shares: readonly SharedKernel[]): Summary | undefined {
  const one = shares.find(({ phase }) => phase === 'restarting');
  if (one === undefined) return undefined;
  const sentence = `The kernel of ${one.title} is being restarted.`;
  return { attention: 'starting', text: 'Claude: restarting', sentence };
}

function starting(shares: readonly SharedKernel[]): Summary | undefined {
  const one = shares.find(({ phase }) => phase === 'locating' || phase === 'sharing');
  if (one === undefined) return undefined;
  const sentence =
    one.phase === 'locating'
      ? `Waiting for the kernel of ${one.title}; it answers when your cell has finished.`
      : `Starting to share ${one.title}.`;
  return { attention: 'starting', text: 'Claude: starting', sentence };
}

function sharing(first: SharedKernel, shares: readonly SharedKernel[]): Summary {
  const more = shares.length > 1 ? ` and ${shares.length - 1} more` : '';
  const mode = first.share ? MODE_LABELS[first.share.mode] : '';
  const detail = first.share ? describeShare(first.share) : '';
  const paused = first.share?.paused ? ' (paused)' : '';
  return {
    attention: 'sharing',
    text: `Claude: ${first.title}${more}${paused}`,
    sentence:
      `${count(shares.length, 'kernel')} shared with Claude. Mode: ${mode}. ${detail}`.trim(),
  };
}
