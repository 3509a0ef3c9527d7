/** What the details webview and the extension say to each other. */
import type { Answer, Output } from '../core/protocol';

/** Everything the webview shows of one call. */
export interface Detail {
  readonly key: string;
  /** `Claude Code · 14:02:40 · In [41]`. */
  readonly caption: string;
  /** `running 12 s`; ticks. */
  readonly state: string;
  readonly tone: 'plain' | 'good' | 'bad' | 'busy';
  readonly reason: string;
  readonly code: string;
  readonly isPython: boolean;
  readonly outputs: readonly Output[];
  /** `new: model (Ridge)`. */
  readonly changes: readonly string[];
  /** Set while the run waits for the person. */
  readonly approval: { readonly id: string; readonly question: string } | undefined;
  readonly canInterrupt: boolean;
  readonly canInsert: boolean;
}

export type ToWebview = { readonly type: 'show'; readonly detail: Detail | undefined };

export type FromWebview =
  | { readonly type: 'ready' }
  | { readonly type: 'answer'; readonly approval: string; readonly answer: Answer }
  | { readonly type: 'copy' | 'interrupt' | 'insert'; readonly key: string };
