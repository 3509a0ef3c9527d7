/** The bridge, as far as it is only asked. */
import type { AnswerOf, Command, CommandArguments } from './protocol';

export interface Requests {
  /** Rejects with `BridgeError`. */
  request<C extends Command>(command: C, args: CommandArguments[C]): Promise<AnswerOf<C>>;
}
