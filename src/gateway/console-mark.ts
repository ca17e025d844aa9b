/** Marks the console's test calls with the account that makes them: they all come from this machine, and guesses are counted apart. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const header = 'X-Landbridge-Console';

export class ConsoleMark {
  /** Made anew with each life of the gateway: nobody else can mark a call. */
  readonly #key = randomBytes(32);

  /** Header fields of a test call. */
  fieldsFor(accountId: string): readonly (readonly [name: string, value: string])[] {
    return [[header, `${accountId}.${this.#proofOf(accountId).toString('hex')}`]];
  }

  /** Who a call comes from: the account at the console, or the source as it is. */
  sourceOf(source: string, fieldOf: (name: string) => string | undefined): string {
    const [, accountId = '', proof = ''] = /^(.+)\.([0-9a-f]{64})$/.exec(fieldOf(header) ?? '') ?? [];
    const isOurs = proof !== '' && timingSafeEqual(Buffer.from(proof, 'hex'), this.#proofOf(accountId));
    return isOurs ? `console of ${accountId}` : source;
  }

  #proofOf(accountId: string): Buffer {
    return createHmac('sha256', this.#key).update(accountId).digest();
  }
}
