/** Whose session a PIN opens. Wrong ones are counted, so that nobody can try them all. */
import type { Clock } from '../clock.js';
import { GuessLimiter, type Guesses, type GuessLimits } from '../legs/guess-limiter.js';
import type { Logger } from '../logger.js';
import type { NumberStore } from './phone-number.js';
import { hashPin, isPin } from './pin.js';
import { PinPace } from './pin-pace.js';

export interface PinLimits {
  /** How many wrong PINs one caller may give to one number. */
  readonly perCaller: GuessLimits;
  /** How many wrong PINs one number takes in a minute, whoever calls, before each waits for its turn. */
  readonly maxWrongPinsPerNumber: number;
  /** A caller who would wait longer for the turn is told to try again. */
  readonly maxWaitMs: number;
}

export interface PinCheckerOptions {
  readonly numbers: Pick<NumberStore, 'findPin'>;
  /** The keys of the PINs' hashes; the first is in force, the others were used before. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: PinLimits;
}

export type PinVerdict =
  | { readonly result: 'right'; readonly sessionId: string }
  | { readonly result: 'wrong' | 'too-many-guesses' };

export class PinChecker {
  readonly #options: PinCheckerOptions;
  readonly #callerGuesses: Guesses;
  readonly #pace: PinPace;
  /** Callers whose last PIN was right, with the number: these need not wait for their turn, as only they guess in their name. */
  readonly #proven = new Set<string>();

  constructor(options: PinCheckerOptions) {
    this.#options = options;
    const { clock, limits } = options;
    const { perCaller, maxWrongPinsPerNumber: perMinute, maxWaitMs } = limits;
    this.#callerGuesses = new GuessLimiter(perCaller, clock);
    this.#pace = new PinPace({ perMinute, maxWaitMs, maxNumbers: perCaller.maxSources }, clock);
  }

  /**
   * After too many wrong ones of a caller not even a right one is looked up, and after too many of all callers together each
   * waits for its turn. `from`: the caller, as far as it is known.
   */
  async check(numberId: string, from: string | null, digits: string): Promise<PinVerdict> {
    const caller = `${numberId} ${from ?? 'anonymous'}`;
    if (!(await this.#callerGuesses.take(caller))) return this.#tooMany(numberId, 'caller');
    let wasRight = true;
    try {
      if (!this.#proven.has(caller) && !(await this.#pace.take(numberId)))
        return this.#tooMany(numberId, 'number');
      const sessionId = await this.#find(numberId, digits);
      wasRight = sessionId !== null;
      this.#learn(numberId, caller, wasRight);
      return sessionId === null ? { result: 'wrong' } : { result: 'right', sessionId };
    } finally {
      await this.#callerGuesses.settle(caller, wasRight);
    }
  }

  #tooMany(numberId: string, of: 'caller' | 'number'): PinVerdict {
    this.#options.logger.warn({ numberId, of }, 'too many wrong PINs');
    return { result: 'too-many-guesses' };
  }

  #learn(numberId: string, caller: string, wasRight: boolean): void {
    const wasProven = this.#proven.delete(caller);
    if (!wasRight) return;
    if (!wasProven) this.#pace.giveBack(numberId);
    this.#proven.add(caller);
    if (this.#proven.size <= this.#options.limits.perCaller.maxSources) return;
    const oldest = this.#proven.values().next();
    if (oldest.done !== true) this.#proven.delete(oldest.value);
  }

  async #find(numberId: string, digits: string): Promise<string | null> {
    if (!isPin(digits)) return null;
    for (const secret of this.#options.secrets) {
      const pin = await this.#options.numbers.findPin(numberId, hashPin(secret, numberId, digits));
      if (pin !== null) return pin.sessionId;
    }
    return null;
  }
}
