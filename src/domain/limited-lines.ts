/** Log lines that others can cause as often as they like: so many in a time, and one that says how many more there were. */
import type { Clock, Timer } from './clock.js';

/** What the lines that were left out would have said, added up. */
export type LineCounts = Readonly<Record<string, number>>;

export interface LimitedLinesOptions {
  readonly clock: Clock;
  /** So many lines in `withinMs`, which begins with the first of them. */
  readonly maxLines: number;
  readonly withinMs: number;
  /** Writes the one line that tells of those that were left out: at the end of `withinMs`, and at the close. */
  readonly tellMore: (counts: LineCounts) => void;
}

/** How many lines strangers may cause together. */
export const strangersLines = { maxLines: 100, withinMs: 10_000 } as const;
/** How many lines one caller or device may cause, once it was let in. */
export const guestsLines = { maxLines: 10, withinMs: 10_000 } as const;

export class LimitedLines {
  readonly #options: LimitedLinesOptions;
  #sinceMs = -Infinity;
  /** Since then. */
  #written = 0;
  /** Lines left out, with how often each; null where none was. The timer that tells of them runs while this is not null. */
  #leftOut: Map<string, number> | null = null;
  #timer: Timer | null = null;

  constructor(options: LimitedLinesOptions) {
    this.#options = options;
  }

  /** Writes the line, or leaves it out and counts. */
  write(line: () => void, counts: LineCounts = { lines: 1 }): void {
    const { clock, maxLines, withinMs } = this.#options;
    const nowMs = clock.now();
    // Also where the clock was set back.
    const isNew = Math.abs(nowMs - this.#sinceMs) >= withinMs;
    if (isNew && this.#leftOut === null) {
      this.#sinceMs = nowMs;
      this.#written = 0;
    }
    if (this.#written < maxLines) {
      this.#written += 1;
      line();
      return;
    }
    this.#timer ??= clock.after(withinMs - (nowMs - this.#sinceMs), () => this.close());
    this.#leftOut ??= new Map();
    for (const [name, count] of Object.entries(counts))
      this.#leftOut.set(name, (this.#leftOut.get(name) ?? 0) + count);
  }

  /** Tells of what was left out so far. Idempotent; what is written later begins anew. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#sinceMs = -Infinity;
    const leftOut = this.#leftOut;
    this.#leftOut = null;
    if (leftOut !== null) this.#options.tellMore(Object.fromEntries(leftOut));
  }
}
