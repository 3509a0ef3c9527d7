/** What agents and the person did in the shared kernels, as the bridge told it. */
import { Emitter } from './emitter';
import type { Requests } from './requests';
import { isFinal, type Activity, type BridgeEvent, type Change, type Client } from './protocol';

/** Entries kept of each share; older ones are forgotten. */
const CAPACITY = 10_000;

/** The newest change of one name that an agent's run made. */
export interface ChangedName {
  readonly share: string;
  readonly change: Change;
  readonly activity: Activity;
}

/** Names a call for as long as the window lives: numbers begin anew with each bridge process. */
export function keyOf(activity: Activity): string {
  return `${activity.share}/${activity.number}/${activity.created_at}`;
}

export class ActivityModel {
  private readonly entries = new Map<string, Map<number, Activity>>();
  /** Of bridge processes that have ended. */
  private past: Activity[] = [];
  private readonly changed = new Map<string, Map<string, ChangedName>>();
  private clientList: readonly Client[] = [];
  private readonly changeEmitter = new Emitter<void>();
  private readonly activityEmitter = new Emitter<Activity>();
  private readonly outputsEmitter = new Emitter<{ share: string; number: number }>();

  /** Anything changed. */
  readonly onDidChange = this.changeEmitter.on;
  /** One call took a step. */
  readonly onActivity = this.activityEmitter.on;
  /** There is more to show of one call. */
  readonly onOutputs = this.outputsEmitter.on;

  take(event: BridgeEvent): void {
    if (event.event === 'activity') this.put(event.activity);
    else if (event.event === 'clients') this.clientList = event.clients;
    else if (event.event === 'outputs') {
      this.outputsEmitter.emit({ share: event.share, number: event.number });
      return;
    }
    this.changeEmitter.emit();
  }

  /** Newest first, of all shares. */
  list(wanted: (activity: Activity) => boolean = () => true): Activity[] {
    return this.all()
      .filter(wanted)
      .sort((a, b) => b.created_at - a.created_at || b.number - a.number);
  }

  find(key: string): Activity | undefined {
    return this.all().find((activity) => keyOf(activity) === key);
  }

  clients(share: string): Client[] {
    return this.clientList.filter((client) => client.share === share);
  }

  /** Runs of agents that have begun and not ended, oldest first. */
  running(): Activity[] {
    return this.unfinished(({ state }) => state === 'running' || state === 'waiting_input');
  }

  /** Runs that wait for the person, oldest first. */
  waiting(): Activity[] {
    return this.unfinished(({ state }) => state === 'waiting_approval');
  }

  /** Names that agents changed in a share, the newest change first. */
  changes(share: string): ChangedName[] {
    const names = [...(this.changed.get(share)?.values() ?? [])];
    return names.sort((a, b) => b.activity.number - a.activity.number);
  }

  /** Removes what is over. */
  clear(): void {
    for (const of of this.entries.values()) {
      for (const activity of of.values()) if (isFinal(activity)) of.delete(activity.number);
    }
    this.past = [];
    this.changed.clear();
    this.changeEmitter.emit();
  }

  /** The kernel of a share is a new one: none of the names is there any more. */
  forgetChanges(share: string): void {
    if (this.changed.delete(share)) this.changeEmitter.emit();
  }

  /** News were left out while nobody read them: asks for what there is. */
  async catchUp(bridge: Requests, share: string): Promise<void> {
    const { activities } = await bridge.request('activities', { share });
    for (const activity of activities) this.put(activity);
    this.changeEmitter.emit();
  }

  /** The bridge that knew of these is gone: what was unfinished has no outcome. */
  bridgeEnded(): void {
    this.past = this.all().map(asEnded).slice(-CAPACITY);
    this.entries.clear();
    this.clientList = [];
    this.changeEmitter.emit();
  }

  private all(): Activity[] {
    return [...this.past, ...[...this.entries.values()].flatMap((of) => [...of.values()])];
  }

  private put(activity: Activity): void {
    const of = this.entries.get(activity.share) ?? new Map<number, Activity>();
    this.entries.set(activity.share, of);
    of.set(activity.number, activity);
    if (of.size > CAPACITY) forgetOldestFinished(of);
    if (activity.origin === 'agent') this.noteChanges(activity);
    this.activityEmitter.emit(activity);
  }

  private noteChanges(activity: Activity): void {
    if (activity.changes.length === 0) return;
    const names = this.changed.get(activity.share) ?? new Map<string, ChangedName>();
    this.changed.set(activity.share, names);
    for (const change of activity.changes) {
      names.set(change.name, { share: activity.share, change, activity });
    }
  }

  private unfinished(wanted: (activity: Activity) => boolean): Activity[] {
    return this.list(
      (each) => each.origin === 'agent' && each.kind === 'run' && wanted(each),
    ).reverse();
  }
}

function asEnded(activity: Activity): Activity {
  if (isFinal(activity)) return activity;
  const reason = 'The bridge ended; it may have partly run.';
  return { ...activity, state: 'lost', reason, approval: '' };
}

function forgetOldestFinished(of: Map<number, Activity>): void {
  for (const activity of of.values()) {
    if (!isFinal(activity)) continue;
    of.delete(activity.number);
    return;
  }
}
