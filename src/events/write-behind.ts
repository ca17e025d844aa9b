/**
 * Writes items in batches: what is added in one turn of the event loop, or during a pause after a write, goes into one
 * transaction. A write that fails is tried again; order is kept.
 */
import type { Clock, Timer } from '../domain/clock.js';
import { LimitedLines } from '../domain/limited-lines.js';
import type { Logger } from '../domain/logger.js';

/** Why something is never written: too many waited, or the gateway stopped before the store took it. */
export type LossReason = 'full' | 'closed';

export interface WriteBehindOptions<T> {
  /** All or nothing. */
  readonly write: (items: readonly T[]) => Promise<void>;
  /** Told of each item once: when it is written, or when the store failed to take it for the first time. */
  readonly onTried?: (items: readonly T[]) => void;
  /** Told of items that will never be written. */
  readonly onLost: (items: readonly T[], why: LossReason) => void;
  /** Whose an item is: where too many wait, it is one of whoever has most of them that is lost. Default: all are one's. */
  readonly ownerOf?: (item: T) => string;
  readonly clock: Clock;
  /** Items that wait, for a store that is away or slow. Default 10000. */
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

/** For what is told of losses: the first, and every ten seconds how many more there were. */
export function linesOfLosses(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  message: string,
): LimitedLines {
  const tellMore = (counts: object) => logger.error(counts, message);
  return new LimitedLines({ clock, maxLines: 1, withinMs: 10_000, tellMore });
}

export class WriteBehind<T> {
  readonly #options: WriteBehindOptions<T>;
  readonly #maxWaiting: number;
  readonly #pauseMs: number;
  readonly #waiting: T[] = [];
  /** How many of `waiting` are whose. */
  readonly #owners = new Map<string, number>();
  /** How many of `waiting`, from the front, are being written: these must stay where they are. */
  #writing = 0;
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
    this.#waiting.push(item);
    this.#count(item, 1);
    if (this.#waiting.length > this.#maxWaiting) this.#loseOne();
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
      if (this.#waiting.length > 0) this.#options.onLost(this.#waiting.splice(0), 'closed');
      this.#owners.clear();
    }
  }

  /** The oldest of whoever has most that wait, but for what is being written; the newest where all of those are. */
  #loseOne(): void {
    let [most, owner] = [0, ''];
    for (const [name, count] of this.#owners) if (count > most) [most, owner] = [count, name];
    const found = this.#waiting.findIndex(
      (item, index) => index >= this.#writing && this.#ownerOf(item) === owner,
    );
    const at = found === -1 ? this.#waiting.length - 1 : found;
    const lost = this.#waiting.splice(at, 1);
    if (at < this.#tried) this.#tried -= 1;
    for (const item of lost) this.#count(item, -1);
    this.#options.onLost(lost, 'full');
  }

  #ownerOf(item: T): string {
    return this.#options.ownerOf?.(item) ?? '';
  }

  #count(item: T, change: 1 | -1): void {
    const owner = this.#ownerOf(item);
    const count = (this.#owners.get(owner) ?? 0) + change;
    if (count > 0) this.#owners.set(owner, count);
    else this.#owners.delete(owner);
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
      this.#writing = batch.length;
      try {
        await this.#options.write(batch);
        this.#failure = null;
      } catch (error) {
        this.#failure = error instanceof Error ? error : new Error(String(error));
        this.#tell(this.#waiting.length);
        break;
      }
      this.#tell(batch.length);
      for (const item of this.#waiting.splice(0, batch.length)) this.#count(item, -1);
      this.#writing = 0;
      this.#tried -= batch.length;
      const left = this.#waiting.length;
      due = this.#pauseMs === 0 || this.#isHurried ? left : Math.min(left, due - batch.length);
    }
    this.#writing = 0;
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
