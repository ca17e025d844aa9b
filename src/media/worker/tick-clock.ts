/** The 20 ms ticks of a media worker. */

/** Whoever does something every 20 ms. */
export interface TickListener {
  /** `tick` counts up by one per tick, skipped ones included; `nowMs` is monotonic. */
  onTick(tick: number, nowMs: number): void;
}

export interface TickClockOptions {
  /** Default 20. */
  readonly intervalMs?: number;
  /** Missed ticks made up for in a row; what is missed beyond is skipped. Default 3: 60 ms is what receivers hide. */
  readonly maxCatchUp?: number;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly now?: () => number;
}

export interface TickStatistics {
  readonly ticks: number;
  readonly skipped: number;
  readonly latenessMaxMs: number;
  /** Upper bound of the histogram bucket (1 ms wide, the last one open) that holds the 99th percentile. */
  readonly latenessP99Ms: number;
}

const buckets = 64;

/**
 * The beat that a worker's mixers and silence run on. Ticks are due at fixed times on a monotonic clock, so lateness is
 * measured and never adds up. Sleeps while nobody listens.
 */
export class TickClock {
  readonly intervalMs: number;
  readonly #maxCatchUp: number;
  readonly #now: () => number;
  readonly #listeners = new Set<TickListener>();
  readonly #histogram = new Uint32Array(buckets);
  #timer: NodeJS.Timeout | null = null;
  #dueMs = 0;
  #tick = 0;
  #ticks = 0;
  #skipped = 0;
  #latenessMaxMs = 0;

  constructor({ intervalMs = 20, maxCatchUp = 3, now = () => performance.now() }: TickClockOptions = {}) {
    this.intervalMs = intervalMs;
    this.#maxCatchUp = maxCatchUp;
    this.#now = now;
  }

  /** Listens from the next tick on. A listener added or removed during a tick takes effect at once. */
  add(listener: TickListener): void {
    this.#listeners.add(listener);
    if (this.#timer !== null) return;
    this.#dueMs = this.#now() + this.intervalMs;
    this.#arm();
  }

  remove(listener: TickListener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.close();
  }

  now(): number {
    return this.#now();
  }

  statistics(): TickStatistics {
    return {
      ticks: this.#ticks,
      skipped: this.#skipped,
      latenessMaxMs: this.#latenessMaxMs,
      latenessP99Ms: this.#percentile(0.99),
    };
  }

  /** Stops ticking until a listener is added. */
  close(): void {
    this.#listeners.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(): void {
    this.#timer = setTimeout(() => this.#run(), Math.max(0, this.#dueMs - this.#now()));
  }

  #run(): void {
    const fired = this.#timer;
    const nowMs = this.#now();
    const latenessMs = Math.max(0, nowMs - this.#dueMs);
    this.#latenessMaxMs = Math.max(this.#latenessMaxMs, latenessMs);
    this.#histogram[Math.min(buckets - 1, Math.floor(latenessMs))]!++;
    const due = 1 + Math.floor(latenessMs / this.intervalMs);
    const made = Math.min(due, 1 + this.#maxCatchUp);
    this.#skipped += due - made;
    this.#tick += due - made;
    this.#dueMs += due * this.intervalMs;
    for (let i = 0; i < made; i++) {
      this.#tick++;
      this.#ticks++;
      for (const listener of this.#listeners) listener.onTick(this.#tick, nowMs);
    }
    // A listener may have closed the clock meanwhile, and another may have started it again.
    if (this.#timer !== fired) return;
    if (this.#listeners.size > 0) this.#arm();
    else this.#timer = null;
  }

  #percentile(share: number): number {
    let left = this.#ticksMeasured() * (1 - share);
    for (let bucket = buckets - 1; bucket >= 0; bucket--) {
      left -= this.#histogram[bucket]!;
      if (left < 0) return bucket + 1;
    }
    return 0;
  }

  #ticksMeasured(): number {
    return this.#histogram.reduce((sum, count) => sum + count, 0);
  }
}
