/** Outputs of calls: asked for while a call runs, kept for the latest ones when they have ended. */
import { keyOf, type ActivityModel } from './activity';
import { isFinal, type Activity, type Output } from './protocol';
import type { Requests } from './requests';

/** Ended calls whose outputs are kept, so that they can be read after sharing has stopped. */
const KEPT = 100;

export class OutputStore {
  private readonly kept = new Map<string, readonly Output[]>();

  constructor(
    private readonly bridge: Requests,
    model: ActivityModel,
  ) {
    model.onActivity((activity) => {
      if (hasOutputs(activity) && isFinal(activity)) this.get(activity).catch(() => undefined);
    });
  }

  /** What a call has put out so far. Rejects if the bridge is gone and the call is not among the latest. */
  async get(activity: Activity): Promise<readonly Output[]> {
    if (!hasOutputs(activity)) return [];
    const key = keyOf(activity);
    const kept = this.kept.get(key);
    if (kept !== undefined) return kept;
    const { share, number } = activity;
    const { outputs } = await this.bridge.request('outputs', { share, number });
    if (isFinal(activity)) this.keep(key, outputs);
    return outputs;
  }

  private keep(key: string, outputs: readonly Output[]): void {
    this.kept.set(key, outputs);
    const oldest = this.kept.keys().next();
    if (this.kept.size > KEPT && !oldest.done) this.kept.delete(oldest.value);
  }
}

/** Whether a call reached the kernel with code of an agent. */
function hasOutputs(activity: Activity): boolean {
  return activity.origin === 'agent' && activity.kind === 'run' && activity.started_at !== null;
}
