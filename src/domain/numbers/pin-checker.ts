/** Whose session a PIN opens. Wrong ones are counted, so that nobody can try them all. */
import type { Clock } from '../clock.js';
import { GuessLimiter, type Guesses, type GuessLimits } from '../legs/guess-limiter.js';
import type { Logger } from '../logger.js';
import type { NumberStore } from './phone-number.js';
import { hashPin, isPin } from './pin.js';

export interface PinCheckerOptions {
  readonly numbers: Pick<NumberStore, 'findPin'>;
  /** The keys of the PINs' hashes; the first is in force, the others were used before. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** How many wrong PINs one caller may give to one number. */
  readonly guesses: GuessLimits;
  /** How many wrong PINs one number takes in a minute, whoever calls. */
  readonly maxWrongPinsPerNumber: number;
}

export type PinVerdict =
  | { readonly result: 'right'; readonly sessionId: string }
  | { readonly result: 'wrong' | 'too-many-guesses' };

export class PinChecker {
  readonly #options: PinCheckerOptions;
  readonly #callerGuesses: Guesses;
  readonly #numberGuesses: Guesses;

  constructor(options: PinCheckerOptions) {
    this.#options = options;
    const { guesses, maxWrongPinsPerNumber, clock } = options;
    this.#callerGuesses = new GuessLimiter(guesses, clock);
    this.#numberGuesses = new GuessLimiter(
      { ...guesses, maxFailuresPerMinute: maxWrongPinsPerNumber },
      clock,
    );
  }

  /** After too many wrong ones not even a right one is looked up. `from`: the caller, as far as it is known. */
  async check(numberId: string, from: string | null, digits: string): Promise<PinVerdict> {
    const caller = `${numberId} ${from ?? 'anonymous'}`;
    if ((await this.#callerGuesses.isBlocked(caller)) || (await this.#numberGuesses.isBlocked(numberId))) {
      this.#options.logger.warn({ numberId }, 'too many wrong PINs');
      return { result: 'too-many-guesses' };
    }
    const sessionId = await this.#find(numberId, digits);
    if (sessionId !== null) return { result: 'right', sessionId };
    await Promise.all([this.#callerGuesses.failed(caller), this.#numberGuesses.failed(numberId)]);
    return { result: 'wrong' };
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
