/** The servers of one trunk, each asked whether it is there. */
import type { TrunkOutbound, TrunkTarget } from '../../domain/trunks/outbound.js';
import type { TargetState, TargetStatus } from '../../domain/trunks/trunk-state.js';
import { TargetPing, type TargetPingOptions } from './target-ping.js';
import { proxyUri, targetUri } from './trunk-requests.js';

export interface PingChange {
  readonly target: string;
  readonly status: 'up' | 'down';
  /** Null where nothing came in time. */
  readonly sipStatus: number | null;
}

export interface TrunkPingsOptions extends Omit<TargetPingOptions, 'target' | 'ping' | 'onChange'> {
  /** The targets of which it was told that they are down: kept by the caller, from one line of the trunk to the next. */
  readonly downs: Set<string>;
  /** Told of a target that goes down, and of one that comes back; not of one that is up from the start. */
  readonly onTold: (change: PingChange) => void;
}

export class TrunkPings {
  /** By where they are asked: the same place twice is asked once. */
  readonly #pings: ReadonlyMap<string, TargetPing>;

  constructor({ downs, onTold, ...options }: TrunkPingsOptions) {
    const { ping } = options.outbound;
    const tell = (target: TrunkTarget, status: TargetStatus, sipStatus: number | null): void => {
      const place = proxyUri(target);
      const isNews = status === 'down' ? !downs.has(place) : downs.delete(place);
      if (status === 'down') downs.add(place);
      if (isNews && status !== 'unknown') onTold({ target: targetUri(target), status, sipStatus });
    };
    this.#pings = new Map(
      ping === undefined || ping === null
        ? []
        : placesOf(options.outbound).map(([place, target]) => [
            place,
            new TargetPing({ ...options, target, ping, onChange: (...change) => tell(target, ...change) }),
          ]),
    );
    // What the trunk has no longer would be no news where it has it again.
    for (const place of downs) if (!this.#pings.has(place)) downs.delete(place);
  }

  get states(): readonly TargetState[] {
    return [...this.#pings.values()].map(({ state }) => state);
  }

  isDown(target: TrunkTarget): boolean {
    return this.#pings.get(proxyUri(target))?.state.status === 'down';
  }

  begin(delayMs: number): void {
    for (const ping of this.#pings.values()) ping.begin(delayMs);
  }

  end(): void {
    for (const ping of this.#pings.values()) ping.end();
  }
}

/** What is known where nobody asks. */
export function unknownTargets(outbound: TrunkOutbound): readonly TargetState[] {
  if (outbound.ping === undefined || outbound.ping === null) return [];
  return placesOf(outbound).map(([, target]) => ({
    ...{ target: targetUri(target), status: 'unknown', since: null, lastStatus: null },
  }));
}

/** A trunk is up where one of its targets is, and down where all are. */
export function statusOf(targets: readonly TargetState[]): TargetStatus {
  if (targets.some(({ status }) => status === 'up')) return 'up';
  return targets.every(({ status }) => status === 'down') ? 'down' : 'unknown';
}

function placesOf({ targets }: TrunkOutbound): [string, TrunkTarget][] {
  return [...new Map(targets.map((target) => [proxyUri(target), target])).entries()];
}
