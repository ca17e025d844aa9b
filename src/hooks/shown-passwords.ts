/** Passwords that requests to hooks show: guessing them is limited per address, and does not stop the platform at the same address. */
import { createHmac, randomBytes } from 'node:crypto';
import { sourceOf } from '../domain/address-source.js';
import type { Guesses } from '../domain/legs/guess-limiter.js';

const maxProven = 10_000;

/** One password, shown for one hook from one address. */
export interface ShownPassword {
  readonly address: string;
  readonly hook: string;
  readonly password: string;
}

export class ShownPasswords {
  readonly #guesses: Guesses;
  readonly #key = randomBytes(32);
  /** Those that were right: platforms share their addresses with everybody who has an account there. */
  readonly #proven = new Set<string>();

  constructor(guesses: Guesses) {
    this.#guesses = guesses;
  }

  /** Makes the attempt and resolves with it, or rejects with what `blocked` makes where too many from the address were wrong. */
  async check<Attempt extends { readonly isRight: boolean }>(
    shown: ShownPassword,
    attempt: () => Promise<Attempt>,
    blocked: () => Error,
  ): Promise<Attempt> {
    const proof = this.#proofOf(shown);
    if (this.#proven.has(proof)) {
      const made = await attempt();
      if (!made.isRight) this.#proven.delete(proof);
      return made;
    }
    const source = sourceOf(shown.address);
    if (!(await this.#guesses.take(source))) throw blocked();
    let wasRight = true;
    try {
      const made = await attempt();
      wasRight = made.isRight;
      if (wasRight) this.#remember(proof);
      return made;
    } finally {
      await this.#guesses.settle(source, wasRight);
    }
  }

  #proofOf({ address, hook, password }: ShownPassword): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([sourceOf(address), hook, password]))
      .digest('base64');
  }

  #remember(proof: string): void {
    this.#proven.add(proof);
    if (this.#proven.size <= maxProven) return;
    const oldest = this.#proven.values().next();
    if (oldest.done !== true) this.#proven.delete(oldest.value);
  }
}
