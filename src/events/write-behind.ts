/**
 * Writes items in batches: what is added in one turn of the event loop, or during a pause after a write, goes into one
 * transaction. A write that fails is tried again; order is kept.
 */
import type { Clock, Timer } from '../domain/clock.js';

export interface WriteBehindOptions<T> {
  /** All or nothing. */
  readonly write: (items: readonly T[]) => Promise<void>;
  /** Told of each item once: when it is written, or when the store failed to take it for the first time. */
  readonly onTried?: (items: readonly T[]) => void;
  /** Told of items that will never be written: there were too many while the store was away, or the gateway stopped. */
  readonly onLost: (items: readonly T[]) => void;
  readonly clock: Clock;
  /** Items that wait for a store that is away. Default 10000. */
  readonly maxWaiting?: number;
  /** The pause between two writes, unless somebody waits for what is written: many items then share few writes. Default 0. */
  readonly pauseMs?: number;
  /** A write begins in this turn: what belongs to it may be written with it. */
  readonly onBegin?: () => void;
}

/** The most items that one write takes, so that nobody waits long for a long queue. */
const maxBatch = 500;

/** How long after a failed write the next try comes. */
const retryMs = 1000;

export class WriteBehind<T> {
  readonly #options: WriteBehindOptions<T>;
  readonly #maxWaiting: number;
  readonly #pauseMs: number;
  readonly #waiting: T[] = [];
  /** How many of `waiting`, from the front, were tried. */
  #tried = 0;
  #flushing: Promise<void> | null = null;
  /** Runs until the next write, after a write or after one that failed. */
  #timer: Timer | null = null;
  /** Why the last write failed; null where it did not. */
  #failure: Error | null = null;
  /** The write under way goes on until nothing waits. */
  #isHurried = false;
  #isClosed = false;

  constructor(options: WriteBehindOptions<T>) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? 10_000;
    this.#pauseMs = options.pauseMs ?? 0;
  }

  add(item: T): void {
    if (this.#waiting.length >= this.#maxWaiting) {
      // While a write is under way its items must stay where they are.
      if (this.#flushing !== null || this.#tried === 0) {
        this.#options.onLost([item]);
        return;
      }
      this.#tried -= 1;
      this.#options.onLost(this.#waiting.splice(0, 1));
    }
    this.#waiting.push(item);
    if (this.#timer === null && this.#flushing === null) void this.#begin();
  }

  /** Writes what waits without a pause; a store that is away is not asked more often for that. */
  hurry(): void {
    if (this.#flushing !== null) this.#isHurried = true;
    else if (this.#waiting.length > 0 && this.#failure === null) void this.#begin();
  }

  /** Resolves when all that was added is written; rejects with the store's error where it is away. */
  async settled(): Promise<void> {
    this.hurry();
    while (this.#flushing !== null) await this.#flushing;
    if (this.#failure !== null) throw this.#failure;
  }

  /** One last try; what cannot be written then is lost. Idempotent. */
  async close(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#waiting.length > 0) {
      await this.#begin();
      if (this.#waiting.length > 0) this.#options.onLost(this.#waiting.splice(0));
    }
  }

  #begin(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#options.onBegin?.();
    return (this.#flushing = this.#flush());
  }

  async #flush(): Promise<void> {
    // Everything that this turn still adds goes along: requests that come at the same time share a commit.
    await new Promise((resolve) => setImmediate(resolve));
    for (let due = this.#waiting.length; due > 0;) {
      const batch = this.#waiting.slice(0, Math.min(due, maxBatch));
      try {
        await this.#options.write(batch);
        this.#failure = null;
      } catch (error) {
        this.#failure = error instanceof Error ? error : new Error(String(error));
        this.#tell(this.#waiting.length);
        break;
      }
      this.#tell(batch.length);
      this.#waiting.splice(0, batch.length);
      this.#tried -= batch.length;
      due = this.#pauseMs === 0 || this.#isHurried ? this.#waiting.length : due - batch.length;
    }
    // In the same step as the look at what waits: an item added later begins a new write.
    this.#flushing = null;
    this.#isHurried = false;
    const pauseMs = this.#failure === null ? this.#pauseMs : retryMs;
    if (!this.#isClosed && pauseMs > 0) this.#timer = this.#options.clock.after(pauseMs, () => this.#again());
  }

  #tell(upTo: number): void {
    if (upTo <= this.#tried) return;
    const items = this.#waiting.slice(this.#tried, upTo);
    this.#tried = upTo;
    this.#options.onTried?.(items);
  }

  #again(): void {
    this.#timer = null;
    if (this.#flushing === null && this.#waiting.length > 0) void this.#begin();
  }
}
