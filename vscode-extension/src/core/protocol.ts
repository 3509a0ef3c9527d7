/**
 * The child protocol's words (docs/protocol.md): what the bridge is asked, what it answers, what it tells.
 *
 * Lines are checked where they come in; past this file everything is typed.
 */
import * as z from 'zod/mini';

export const PROTOCOL_VERSION = 1;

export const MODES = ['free', 'ask', 'look'] as const;
export type Mode = (typeof MODES)[number];

export const ANSWERS = ['once', 'always', 'deny'] as const;
export type Answer = (typeof ANSWERS)[number];

const shareSchema = z.object({
  share: z.string(),
  title: z.string(),
  state: z.enum(['connecting', 'up', 'restarting', 'silent', 'dead', 'closed']),
  mode: z.enum(MODES),
  paused: z.boolean(),
  detail: z.string(),
  connection_file: z.string(),
  kernel_pid: z.nullable(z.number()),
});
/** One shared kernel as it is now. */
export type Share = Readonly<z.infer<typeof shareSchema>>;

const clientSchema = z.object({
  client: z.string(),
  name: z.string(),
  version: z.string(),
  share: z.string(),
  /** Seconds since the epoch. */
  since: z.number(),
  runs: z.number(),
});
/** One agent that is connected to a share. */
export type Client = Readonly<z.infer<typeof clientSchema>>;

const changeSchema = z.object({
  name: z.string(),
  /** `new`, `removed`, `rebound`, `mutated` or `possibly`. */
  how: z.string(),
  detail: z.string(),
});
export type Change = Readonly<z.infer<typeof changeSchema>>;

const errorSchema = z.object({ ename: z.string(), evalue: z.string(), traceback: z.string() });

const activitySchema = z.object({
  number: z.number(),
  share: z.string(),
  origin: z.enum(['user', 'agent']),
  kind: z.enum(['run', 'look', 'control']),
  state: z.enum([
    'queued',
    'waiting_approval',
    'running',
    'waiting_input',
    'ok',
    'error',
    'interrupted',
    'aborted',
    'denied',
    'restarted',
    'lost',
    'failed',
  ]),
  client_id: z.string(),
  client: z.string(),
  kernel_id: z.string(),
  kernel: z.string(),
  tool: z.string(),
  code: z.string(),
  /** Seconds since the epoch, like the two that follow. */
  created_at: z.number(),
  started_at: z.nullable(z.number()),
  finished_at: z.nullable(z.number()),
  execution: z.nullable(z.number()),
  execution_count: z.nullable(z.number()),
  background: z.boolean(),
  reason: z.string(),
  error: z.nullable(errorSchema),
  changes: z.array(changeSchema),
  /** The id to answer with while `state` is `waiting_approval`; else empty. */
  approval: z.string(),
});
/** One call of an agent or one cell of the user, as it stands now. */
export type Activity = Readonly<z.infer<typeof activitySchema>>;
export type ActivityState = Activity['state'];

const outputSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('stream'),
    name: z.string(),
    text: z.string(),
    /** Characters that are not held any more, from the middle. */
    dropped: z.number(),
    /** Where in `text` they stood, in code points. */
    dropped_at: z.number(),
  }),
  z.object({
    kind: z.literal('display'),
    /** By mime type; binary ones are base64. */
    data: z.record(z.string(), z.string()),
    execution_count: z.nullable(z.number()),
  }),
  z.object({ kind: z.literal('error'), ...errorSchema.shape }),
]);
export type Output = Readonly<z.infer<typeof outputSchema>>;

const variableSchema = z.object({
  name: z.string(),
  type: z.string(),
  shape: z.string(),
  size_bytes: z.nullable(z.number()),
  preview: z.string(),
  /** When an agent's run last changed it, in seconds since the epoch; null if never. */
  changed_by_agent: z.nullable(z.number()),
});
export type Variable = Readonly<z.infer<typeof variableSchema>>;

const eventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('started') }),
  z.object({ event: z.literal('share'), share: shareSchema }),
  z.object({ event: z.literal('clients'), clients: z.array(clientSchema) }),
  z.object({ event: z.literal('activity'), activity: activitySchema }),
  z.object({ event: z.literal('outputs'), share: z.string(), number: z.number() }),
  z.object({ event: z.literal('dropped'), count: z.number() }),
  z.object({ event: z.literal('failed'), code: z.string(), message: z.string() }),
]);
export type BridgeEvent = Readonly<z.infer<typeof eventSchema>>;

const nothingSchema = z.object({});

/** What each command is answered with. */
const answerSchemas = {
  hello: z.object({
    version: z.number(),
    pid: z.number(),
    cokernel: z.string(),
    front: z.array(z.string()),
  }),
  share: shareSchema,
  retarget: shareSchema,
  rename: shareSchema,
  restarted: nothingSchema,
  unshare: nothingSchema,
  set_mode: shareSchema,
  pause: shareSchema,
  answer: nothingSchema,
  interrupt: z.object({ interrupted: z.number() }),
  outputs: z.object({ outputs: z.array(outputSchema) }),
  variables: z.object({ variables: z.array(variableSchema) }),
  activities: z.object({ activities: z.array(activitySchema) }),
  stop: nothingSchema,
} as const;

/** What each command takes. */
export interface CommandArguments {
  hello: { version: number; ide: string; workspaces: readonly string[] };
  share: {
    connection_file: string;
    title: string;
    mode: Mode;
    share?: string | undefined;
    kernel_pid?: number | undefined;
  };
  retarget: { share: string; connection_file: string; title: string; kernel_pid?: number };
  rename: { share: string; title: string };
  restarted: { share: string; reason: string };
  unshare: { share: string; reason?: string };
  set_mode: { share: string; mode: Mode };
  pause: { share: string; paused: boolean };
  answer: { approval: string; answer: Answer };
  interrupt: { share: string; number?: number | undefined };
  outputs: { share: string; number: number };
  variables: { share: string };
  activities: { share: string };
  stop: Record<string, never>;
}

export type Command = keyof CommandArguments;
export type AnswerOf<C extends Command> = Readonly<z.infer<(typeof answerSchemas)[C]>>;

/** The bridge refused a command, or could not carry it out. `message` says what happened and what to do. */
export class BridgeError extends Error {
  override readonly name = 'BridgeError';

  constructor(
    /** Stable, for machines: `untrusted`, `unknown`, … */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** A line that the bridge should not have sent. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export type Incoming =
  | { readonly kind: 'event'; readonly event: BridgeEvent }
  | { readonly kind: 'ok'; readonly id: number; readonly ok: unknown }
  | { readonly kind: 'refused'; readonly id: number | null; readonly error: BridgeError };

const incomingSchema = z.union([
  z.object({ id: z.number(), ok: z.unknown() }),
  z.object({
    id: z.nullable(z.number()),
    error: z.object({ code: z.string(), message: z.string() }),
  }),
  eventSchema,
]);

export function encodeCommand<C extends Command>(
  id: number,
  command: C,
  args: CommandArguments[C],
): string {
  return JSON.stringify({ id, do: command, ...args }) + '\n';
}

/** One line of the bridge. Throws `ProtocolError` for anything else. */
export function decodeLine(line: string): Incoming {
  const read = incomingSchema.safeParse(parseJson(line));
  if (!read.success) throw new ProtocolError(`The bridge sent an unknown line: ${clip(line)}`);
  const message = read.data;
  if ('event' in message) return { kind: 'event', event: message };
  if ('error' in message) {
    const { code, message: text } = message.error;
    return { kind: 'refused', id: message.id, error: new BridgeError(code, text) };
  }
  return { kind: 'ok', id: message.id, ok: message.ok };
}

/** The `ok` of an answer to `command`. Throws `ProtocolError` if it is none. */
export function decodeAnswer<C extends Command>(command: C, ok: unknown): AnswerOf<C> {
  const read = answerSchemas[command].safeParse(ok);
  if (!read.success) {
    throw new ProtocolError(`The bridge answered ${command} with something unknown.`);
  }
  // The compiler does not follow one command through the table; the schema has just checked it.
  return read.data as unknown as AnswerOf<C>;
}

const FINAL: Readonly<Record<ActivityState, boolean>> = {
  queued: false,
  waiting_approval: false,
  running: false,
  waiting_input: false,
  ok: true,
  error: true,
  interrupted: true,
  aborted: true,
  denied: true,
  restarted: true,
  lost: true,
  failed: true,
};

export function isFinal(activity: Activity): boolean {
  return FINAL[activity.state];
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new ProtocolError(`The bridge sent a line that is not JSON: ${clip(line)}`);
  }
}

function clip(line: string): string {
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
