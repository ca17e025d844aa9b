/** How many calls a trunk has at once, and how fast they come. */
import type { Clock } from '../clock.js';

export interface CallLimits {
  /** Null: as many as there are. */
  readonly maxConcurrentCalls: number | null;
  /** So many at once after a rest. Null: as fast as they come. */
  readonly maxCallsPerSecond: number | null;
}

export type CallGrant = 'granted' | 'too-many' | 'too-fast';

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
      // A clock that was set back takes nothing away.
      const seconds = Math.max(0, atMs - counted.atMs) / 1000;
      counted.left = Math.min(maxCallsPerSecond, counted.left + seconds * maxCallsPerSecond);
      counted.atMs = atMs;
      if (counted.left < 1) return 'too-fast';
      counted.left -= 1;
    }
    counted.calls += 1;
    return 'granted';
  }

  release(trunkId: string): void {
    const counted = this.#counted.get(trunkId);
    if (counted === undefined) return;
    counted.calls = Math.max(0, counted.calls - 1);
    if (counted.isForgotten && counted.calls === 0) this.#counted.delete(trunkId);
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
