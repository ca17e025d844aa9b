/** Limits something to so many times a minute, for each of a few names. */
import type { Clock } from '../../domain/clock.js';

const windowMs = 60_000;

export class PerMinute {
  readonly #most: number;
  readonly #clock: Clock;
  readonly #taken = new Map<string, { since: number; count: number }>();

  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
  }

  /** `name`: one of a set that is bounded already, such as the accounts. False where it has had enough for now. */
  take(name: string): boolean {
    const now = this.#clock.now();
    const known = this.#taken.get(name);
    // A clock that was set back begins anew.
    if (known === undefined || now - known.since >= windowMs || now < known.since) {
      this.#taken.set(name, { since: now, count: 1 });
      return this.#most > 0;
    }
    known.count += 1;
    return known.count <= this.#most;
  }
}
