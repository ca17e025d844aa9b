/** Hands out the ports of a range, and lets them rest after use. */
import { WorkerRefusal } from '../worker-refusal.js';

export interface PortAllocatorOptions {
  /** First and last port of the range, both included. Pairs begin at even ports. */
  readonly from: number;
  readonly to: number;
  /**
   * How long a released pair rests where there are others, so that what still arrives for a dead call meets nobody.
   * Default 30 000.
   */
  readonly restMs?: number;
  /** Even ports of pairs that rest from now on. Default none. */
  readonly resting?: readonly number[];
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly now?: () => number;
  /** Where in the range to begin, 0 ≤ x < 1: ports that cannot be guessed are harder to inject into. Default random. */
  readonly startAt?: number;
}

/**
 * Hands out pairs of an even port for RTP and the odd one above for RTCP (RFC 3550 §11), round the range, so that the
 * pair released longest ago comes first. Knows nothing of sockets: see `openRtpSockets`.
 */
export class PortAllocator {
  readonly #free = new Queue<number>();
  readonly #resting = new Queue<{ readonly port: number; readonly untilMs: number }>();
  readonly #taken = new Set<number>();
  #takenUnrested = 0;
  readonly #restMs: number;
  readonly #now: () => number;

  constructor({
    from,
    to,
    restMs = 30_000,
    resting = [],
    now = () => performance.now(),
    startAt = Math.random(),
  }: PortAllocatorOptions) {
    const first = from + (from & 1);
    const pairs = Math.max(0, Math.floor((to - first + 1) / 2));
    const start = Math.floor(pairs * startAt);
    this.#restMs = restMs;
    this.#now = now;
    const rests = new Set(resting);
    for (let i = 0; i < pairs; i++) {
      const port = first + 2 * ((start + i) % pairs);
      if (rests.has(port)) this.#rest(port);
      else this.#free.push(port);
    }
  }

  /** Pairs that could be taken now and have rested. */
  get available(): number {
    this.#wake();
    return this.#free.size;
  }

  get taken(): number {
    return this.#taken.size;
  }

  /** Either port of a pair. */
  isTaken(port: number): boolean {
    return this.#taken.has(port - (port & 1));
  }

  /** Pairs that were taken before they had rested, because no other was left. */
  get takenUnrested(): number {
    return this.#takenUnrested;
  }

  /**
   * Takes a pair; returns its even port. Where none has rested, the one that has rested longest: rest is a courtesy that
   * is worth no call. Throws WorkerRefusal `overloaded` when all are taken.
   */
  take(): number {
    this.#wake();
    const port = this.#takeRested() ?? this.#takeResting();
    if (port === undefined) throw new WorkerRefusal('overloaded', 'no RTP port is left');
    this.#taken.add(port);
    return port;
  }

  /** Gives a pair back to rest. Ignores ports that are not taken. */
  release(port: number): void {
    if (this.#taken.delete(port)) this.#rest(port);
  }

  #rest(port: number): void {
    this.#resting.push({ port, untilMs: this.#now() + this.#restMs });
  }

  #takeRested(): number | undefined {
    return this.#free.shift();
  }

  #takeResting(): number | undefined {
    const port = this.#resting.shift()?.port;
    if (port !== undefined) this.#takenUnrested += 1;
    return port;
  }

  #wake(): void {
    const now = this.#now();
    for (
      let next = this.#resting.first;
      next !== undefined && next.untilMs <= now;
      next = this.#resting.first
    )
      this.#free.push(this.#resting.shift()!.port);
  }
}

/** First in, first out, without moving what waits at each step. */
class Queue<T> {
  readonly #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.first;
    if (item === undefined) return undefined;
    this.#head += 1;
    if (this.#head === 1024 || this.#head === this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }
}
