/** A clock that stands still until a test moves it. */
import type { Clock, Timer } from '../../src/domain/clock.js';

interface Due {
  readonly at: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  #now: number;
  readonly #due = new Set<Due>();

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): Timer {
    const due = { at: this.#now + delayMs, callback };
    this.#due.add(due);
    return { cancel: () => void this.#due.delete(due) };
  }

  /** Timers that neither fired nor were cancelled. */
  get pending(): number {
    return this.#due.size;
  }

  /** How long until the next timer, or null where there is none. */
  get nextInMs(): number | null {
    return this.#due.size === 0 ? null : Math.min(...[...this.#due].map(({ at }) => at)) - this.#now;
  }

  /** Moves on, calling what is due in the order of time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#due].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#due.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }
}
