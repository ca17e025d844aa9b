/** How many calls a trunk has at once, and how fast they come. */
import type { Clock } from '../clock.js';

export interface CallLimits {
  /** Null: as many as there are. */
  readonly maxConcurrentCalls: number | null;
  /** So many at once after a rest. Null: as fast as they come. */
  readonly maxCallsPerSecond: number | null;
}

export type CallGrant = 'granted' | 'too-many' | 'too-fast';

export interface CallOutlook {
  readonly grant: CallGrant;
  /** That the trunk has now. */
  readonly calls: number;
  /** That may come at once; null: as many as like. */
  readonly left: number | null;
}

/** Counts calls by trunk. May be asynchronous, so that several nodes can share one count. */
export interface CallCounts {
  /** Every call that was granted is released once. */
  take(trunkId: string, limits: CallLimits): CallGrant | Promise<CallGrant>;
  release(trunkId: string): void | Promise<void>;
}

interface Counted {
  calls: number;
  /** Calls that may come at once, at `atMs`. */
  left: number;
  atMs: number;
  /** The trunk is no more: it goes with its last call. */
  isForgotten: boolean;
}

/** Counts the calls of this process. */
export class CallLimiter implements CallCounts {
  readonly #clock: Clock;
  readonly #counted = new Map<string, Counted>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(trunkId: string, { maxConcurrentCalls, maxCallsPerSecond }: CallLimits): CallGrant {
    const atMs = this.#clock.now();
    const counted = this.#counted.get(trunkId) ?? {
      calls: 0,
      left: maxCallsPerSecond ?? 0,
      atMs,
      isForgotten: false,
    };
    this.#counted.set(trunkId, counted);
    if (maxConcurrentCalls !== null && counted.calls >= maxConcurrentCalls) return 'too-many';
    if (maxCallsPerSecond !== null) {
      counted.left = this.#leftOf(counted, maxCallsPerSecond);
      counted.atMs = atMs;
      if (counted.left < 1) return 'too-fast';
      counted.left -= 1;
    }
    counted.calls += 1;
    return 'granted';
  }

  /** What `take` would say now, and why; nothing is counted. */
  look(trunkId: string, { maxConcurrentCalls, maxCallsPerSecond }: CallLimits): CallOutlook {
    const counted = this.#counted.get(trunkId);
    const calls = counted?.calls ?? 0;
    const left =
      maxCallsPerSecond === null
        ? null
        : counted === undefined
          ? maxCallsPerSecond
          : this.#leftOf(counted, maxCallsPerSecond);
    if (maxConcurrentCalls !== null && calls >= maxConcurrentCalls) return { grant: 'too-many', calls, left };
    return { grant: left !== null && left < 1 ? 'too-fast' : 'granted', calls, left };
  }

  release(trunkId: string): void {
    const counted = this.#counted.get(trunkId);
    if (counted === undefined) return;
    counted.calls = Math.max(0, counted.calls - 1);
    if (counted.isForgotten && counted.calls === 0) this.#counted.delete(trunkId);
  }

  #leftOf({ left, atMs }: Counted, maxCallsPerSecond: number): number {
    // A clock that was set back takes nothing away.
    const seconds = Math.max(0, this.#clock.now() - atMs) / 1000;
    return Math.min(maxCallsPerSecond, left + seconds * maxCallsPerSecond);
  }

  /** Calls that the trunk has now. */
  callsOf(trunkId: string): number {
    return this.#counted.get(trunkId)?.calls ?? 0;
  }

  /** The trunk is no more. */
  forget(trunkId: string): void {
    const counted = this.#counted.get(trunkId);
    if (counted === undefined) return;
    counted.isForgotten = true;
    if (counted.calls === 0) this.#counted.delete(trunkId);
  }
}
