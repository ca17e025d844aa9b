/** How fast PINs of one number are tried, whoever calls: what comes faster waits for its turn, and a number is never shut for long. */
import type { Clock } from '../clock.js';

export interface PinPaceLimits {
  /** Wrong PINs that are looked up at once, and as many a minute after that. */
  readonly perMinute: number;
  /** Whoever would wait longer than this for the turn is not let wait. */
  readonly maxWaitMs: number;
  /** Numbers remembered at once; the oldest is forgotten first. */
  readonly maxNumbers: number;
}

interface Allowance {
  /** Below zero: so many wait for their turn. */
  left: number;
  at: number;
}

export class PinPace {
  readonly #limits: PinPaceLimits;
  readonly #clock: Clock;
  readonly #allowances = new Map<string, Allowance>();

  constructor(limits: PinPaceLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Whether a guess need not wait. */
  hasTurn(numberId: string): boolean {
    return this.#current(numberId).left >= 1;
  }

  /** Resolves with true when it is the guess's turn, and with false at once where too many wait for theirs. */
  take(numberId: string): Promise<boolean> {
    const { perMinute, maxWaitMs } = this.#limits;
    const allowance = this.#current(numberId);
    const waitMs = Math.max(0, 1 - allowance.left) * (60_000 / perMinute);
    if (waitMs > maxWaitMs) return Promise.resolve(false);
    allowance.left -= 1;
    if (waitMs === 0) return Promise.resolve(true);
    return new Promise((resolve) => this.#clock.after(waitMs, () => resolve(true)));
  }

  /** The guess was right: it counts no more. */
  giveBack(numberId: string): void {
    const allowance = this.#current(numberId);
    allowance.left = Math.min(this.#limits.perMinute, allowance.left + 1);
  }

  #current(numberId: string): Allowance {
    const { perMinute, maxNumbers } = this.#limits;
    const now = this.#clock.now();
    const known = this.#allowances.get(numberId);
    if (known !== undefined) {
      known.left = Math.min(perMinute, known.left + (Math.max(0, now - known.at) * perMinute) / 60_000);
      known.at = now;
      return known;
    }
    const allowance = { left: perMinute, at: now };
    this.#allowances.set(numberId, allowance);
    if (this.#allowances.size > maxNumbers) {
      const oldest = this.#allowances.keys().next();
      if (oldest.done !== true) this.#allowances.delete(oldest.value);
    }
    return allowance;
  }
}
