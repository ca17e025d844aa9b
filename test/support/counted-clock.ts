/** The system's clock, which knows how many of its timers run; long ones run out when the test says so. */
import { systemClock, type Clock } from '../../src/sip-server/transaction/clock.js';

export class CountedClock implements Clock {
  readonly #heldFromMs: number;
  readonly #running = new Set<unknown>();
  readonly #held = new Map<unknown, { readonly delayMs: number; readonly callback: () => void }>();
  #aheadMs = 0;

  /** Timers of that length and longer are held. Default: none is. */
  constructor(heldFromMs = Infinity) {
    this.#heldFromMs = heldFromMs;
  }

  /** Timers that have not run out, held ones too. */
  get pending(): number {
    return this.#running.size + this.#held.size;
  }

  /** The lengths of those that are held, in the order in which they were set. */
  get heldMs(): readonly number[] {
    return [...this.#held.values()].map(({ delayMs }) => delayMs);
  }

  nowMs(): number {
    return systemClock.nowMs() + this.#aheadMs;
  }

  setTimer(delayMs: number, callback: () => void): unknown {
    if (delayMs >= this.#heldFromMs) {
      const timer = {};
      this.#held.set(timer, { delayMs, callback });
      return timer;
    }
    const timer = systemClock.setTimer(delayMs, () => {
      this.#running.delete(timer);
      callback();
    });
    this.#running.add(timer);
    return timer;
  }

  clearTimer(timer: unknown): void {
    if (this.#held.delete(timer)) return;
    this.#running.delete(timer);
    systemClock.clearTimer(timer);
  }

  /** So much time has passed for the last one held of that length. Throws where there is none. */
  runOut(delayMs: number): void {
    const found = [...this.#held].findLast(([, held]) => held.delayMs === delayMs);
    if (found === undefined)
      throw new Error(`no timer of ${String(delayMs)} ms is held, but of ${this.heldMs.join(', ')}`);
    const [timer, { callback }] = found;
    this.#held.delete(timer);
    this.#aheadMs += delayMs;
    callback();
  }
}
