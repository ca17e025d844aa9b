/** Remembers servers that failed a moment ago: they are tried after the others until some time has passed. */
export interface DeadTargetsOptions {
  /** How long one is remembered. */
  readonly deadMs: number;
  /** Remembered at most; the oldest is forgotten first. */
  readonly maxEntries: number;
  readonly nowMs: () => number;
}

export class DeadTargets {
  readonly #options: DeadTargetsOptions;
  readonly #untilMs = new Map<string, number>();

  constructor(options: DeadTargetsOptions) {
    this.#options = options;
  }

  /** Remembers a failure for the usual time, or for `forMs` where that is shorter. */
  add(key: string, forMs = Infinity): void {
    const { deadMs, maxEntries, nowMs } = this.#options;
    this.#untilMs.delete(key);
    this.#untilMs.set(key, nowMs() + Math.min(forMs, deadMs));
    for (const oldest of this.#untilMs.keys()) {
      if (this.#untilMs.size <= maxEntries) return;
      this.#untilMs.delete(oldest);
    }
  }

  has(key: string): boolean {
    const untilMs = this.#untilMs.get(key);
    if (untilMs === undefined) return false;
    if (this.#options.nowMs() < untilMs) return true;
    this.#untilMs.delete(key);
    return false;
  }

  /** The server answers: it is no longer tried last. */
  remove(key: string): void {
    this.#untilMs.delete(key);
  }
}
