/** Slows the guessing of join codes, PINs and passwords: after so many failures of a source, none are looked up until the minute is over. */
import type { Clock } from '../clock.js';

/** Wrong guesses, counted by where they come from. May be asynchronous, so that several nodes can share one count: await it. */
export interface Guesses {
  /** Too many were wrong: not even a right one is to be looked up now. */
  isBlocked(source: string): boolean | Promise<boolean>;
  /** A guess was wrong. */
  failed(source: string): void | Promise<void>;
}

export interface GuessLimits {
  readonly maxFailuresPerMinute: number;
  /** Sources remembered at once; the oldest is forgotten first. */
  readonly maxSources: number;
}

const windowMs = 60_000;

/** Counts the guesses that reach this process. */
export class GuessLimiter implements Guesses {
  readonly #limits: GuessLimits;
  readonly #clock: Clock;
  readonly #failures = new Map<string, { since: number; count: number }>();

  constructor(limits: GuessLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  isBlocked(source: string): boolean {
    const entry = this.#failures.get(source);
    if (entry === undefined) return false;
    if (this.#clock.now() - entry.since >= windowMs) {
      this.#failures.delete(source);
      return false;
    }
    return entry.count >= this.#limits.maxFailuresPerMinute;
  }

  failed(source: string): void {
    const now = this.#clock.now();
    const entry = this.#failures.get(source);
    if (entry !== undefined && now - entry.since < windowMs) {
      entry.count += 1;
      return;
    }
    this.#failures.delete(source);
    this.#failures.set(source, { since: now, count: 1 });
    if (this.#failures.size > this.#limits.maxSources) {
      const oldest = this.#failures.keys().next();
      if (oldest.done !== true) this.#failures.delete(oldest.value);
    }
  }
}
