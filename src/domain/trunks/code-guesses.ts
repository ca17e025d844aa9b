/**
 * Counts the wrong join codes of trunks' calls. A caller writes its own number, and over UDP its address, so wrong codes are counted
 * for the address that they come from, and for the trunk in all. Both may have more of them than one stranger: there are many callers.
 */
import type { Guesses } from '../legs/guess-limiter.js';
import { Refusal } from '../refusal.js';

export interface CodeGuessesOptions {
  readonly perSource: Guesses;
  readonly perTrunk: Guesses;
}

/** Where a guess comes from. */
export interface TrunkGuess {
  readonly trunkId: string;
  readonly source: string;
}

export class CodeGuesses {
  readonly #options: CodeGuessesOptions;

  constructor(options: CodeGuessesOptions) {
    this.#options = options;
  }

  /** Looks a join code up, where not too many were wrong. Throws Refusal, also that of `lookUp`. */
  count<T>({ trunkId, source }: TrunkGuess, lookUp: () => Promise<T>): Promise<T> {
    const { perSource, perTrunk } = this.#options;
    return counted(perSource, source, () => counted(perTrunk, trunkId, lookUp));
  }
}

async function counted<T>(guesses: Guesses, name: string, lookUp: () => Promise<T>): Promise<T> {
  if (!(await guesses.take(name)))
    throw new Refusal('too-many-guesses', 'too many unknown join codes over a trunk');
  let isWrong = false;
  try {
    return await lookUp();
  } catch (error) {
    isWrong = error instanceof Refusal && error.code === 'token-invalid';
    throw error;
  } finally {
    await guesses.settle(name, !isWrong);
  }
}
