/** Whose session a PIN opens. Wrong ones are counted, so that nobody can try them all. */
import { sourceOf } from '../address-source.js';
import type { Clock } from '../clock.js';
import { GuessLimiter, type Guesses, type GuessLimits } from '../legs/guess-limiter.js';
import type { Logger } from '../logger.js';
import { ownText } from '../own-text.js';
import type { NumberStore } from './phone-number.js';
import { hashPin, isPin } from './pin.js';
import { PinPace } from './pin-pace.js';
import { isWithheld } from './withheld-number.js';

export interface PinLimits {
  /** How many wrong PINs one caller may give to one number. */
  readonly perCaller: GuessLimits;
  /** How many one caller may give to all numbers together, in a minute. */
  readonly maxWrongPinsOverAllNumbers: number;
  /** How many may come from one address, to all numbers and in whatever name, in a minute. */
  readonly maxWrongPinsPerAddress: number;
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

/** Who gives a PIN, as far as it is known. */
export interface PinCaller {
  readonly from: string | null;
  /** The address of a SIP peer, which may write any `from`; null where a voice platform says who calls. */
  readonly source: string | null;
  /** The call: all that there is to know callers by who withhold their number. */
  readonly callId: string;
}

export type PinVerdict =
  | { readonly result: 'right'; readonly sessionId: string }
  | { readonly result: 'wrong' | 'too-many-guesses' };

export class PinChecker {
  readonly #options: PinCheckerOptions;
  readonly #guesses: Record<'atNumber' | 'ofCaller' | 'ofAddress', Guesses>;
  readonly #pace: PinPace;
  /** For callers who were right the last time, when others have used up the number's: as slow, and used up by them alone. */
  readonly #provenPace: PinPace;
  /** Callers whose last PIN was right, with the number. */
  readonly #proven = new Set<string>();

  constructor(options: PinCheckerOptions) {
    this.#options = options;
    const { clock, limits } = options;
    const { perCaller, maxWrongPinsPerNumber: perMinute, maxWaitMs } = limits;
    const pace = { perMinute, maxWaitMs, maxNumbers: perCaller.maxSources };
    const { maxSources } = perCaller;
    const perMinuteTo = (maxFailuresPerMinute: number) =>
      new GuessLimiter({ maxFailuresPerMinute, maxSources }, clock);
    this.#guesses = {
      atNumber: new GuessLimiter(perCaller, clock),
      ofCaller: perMinuteTo(limits.maxWrongPinsOverAllNumbers),
      ofAddress: perMinuteTo(limits.maxWrongPinsPerAddress),
    };
    this.#pace = new PinPace(pace, clock);
    this.#provenPace = new PinPace(pace, clock);
  }

  /**
   * After too many wrong ones of a caller, or an address, not even a right one is looked up, and after too many of all callers
   * together each waits for its turn. Every wrong one counts, also of a caller who was right before: who knows one PIN may guess another's.
   */
  async check(numberId: string, who: PinCaller, digits: string): Promise<PinVerdict> {
    const address = who.source === null ? null : sourceOf(who.source);
    const name = ownText(`${nameOf(who)} ${address ?? ''}`);
    const caller = `${numberId} ${name}`;
    const { atNumber, ofCaller, ofAddress } = this.#guesses;
    const settle = await takeOfEach([
      [atNumber, caller],
      [ofCaller, name],
      ...(address === null ? [] : [[ofAddress, address] as const]),
    ]);
    if (settle === null) return this.#tooMany(numberId, 'caller');
    let wasRight = true;
    try {
      const pace = this.#paceOf(numberId, caller);
      if (!(await pace.take(numberId))) return this.#tooMany(numberId, 'number');
      try {
        const sessionId = await this.#find(numberId, digits);
        wasRight = sessionId !== null;
        if (!isWithheld(who.from)) this.#learn(caller, wasRight);
        return sessionId === null ? { result: 'wrong' } : { result: 'right', sessionId };
      } finally {
        // Also where it could not be looked up.
        if (wasRight) pace.giveBack(numberId);
      }
    } finally {
      await settle(wasRight);
    }
  }

  #paceOf(numberId: string, caller: string): PinPace {
    return this.#proven.has(caller) && !this.#pace.hasTurn(numberId) ? this.#provenPace : this.#pace;
  }

  #tooMany(numberId: string, of: 'caller' | 'number'): PinVerdict {
    this.#options.logger.warn({ numberId, of }, 'too many wrong PINs');
    return { result: 'too-many-guesses' };
  }

  #learn(caller: string, wasRight: boolean): void {
    this.#proven.delete(caller);
    if (!wasRight) return;
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

/** Where all who withhold their number were one, any of them could shut the others out. */
function nameOf({ from, callId }: PinCaller): string {
  return isWithheld(from) ? `call ${callId}` : String(from);
}

/** Takes a guess of each; resolves with what settles them, or with null where one has none left: then none is taken. */
async function takeOfEach(
  limiters: readonly (readonly [guesses: Guesses, source: string])[],
): Promise<((wasRight: boolean) => Promise<void>) | null> {
  const taken: (readonly [Guesses, string])[] = [];
  const settle = async (wasRight: boolean): Promise<void> => {
    for (const [guesses, source] of taken) await guesses.settle(source, wasRight);
  };
  for (const [guesses, source] of limiters) {
    if (!(await guesses.take(source))) {
      await settle(true);
      return null;
    }
    taken.push([guesses, source]);
  }
  return settle;
}
