/** Signatures that let a call in, and which call it was: whoever sees one on its way could call with it again. */
import { createHash } from 'node:crypto';

export interface UsedSignaturesOptions {
  readonly clock: { now(): number };
  /** So many are remembered; the oldest goes. */
  readonly max: number;
}

/** The order of the curve P-256 (SEC 2 §2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export class UsedSignatures {
  readonly #options: UsedSignaturesOptions;
  /** In the order in which they came. */
  readonly #used = new Map<string, { readonly call: string; readonly untilMs: number }>();

  constructor(options: UsedSignaturesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#used.size;
  }

  /** False where another call has it already. The same call may show it again: after it was asked for a password, it does. */
  take(signature: Buffer, callId: string, untilMs: number): boolean {
    const now = this.#options.clock.now();
    const key = keyOf(signature);
    // A hash, so that all are of one length and hold no message in memory.
    const call = createHash('sha256').update(callId).digest('base64');
    const known = this.#used.get(key);
    if (known !== undefined && now <= known.untilMs) return known.call === call;
    this.#used.delete(key);
    for (const [oldest, { untilMs: endMs }] of this.#used) {
      if (now <= endMs && this.#used.size < this.#options.max) break;
      this.#used.delete(oldest);
    }
    this.#used.set(key, { call, untilMs });
    return true;
  }
}

/** The same for both signatures that anybody can make of one: (r, s) and (r, -s) hold for the same text. */
function keyOf(signature: Buffer): string {
  const [r, s] = [signature.subarray(0, 32), BigInt(`0x${signature.toString('hex', 32)}`)];
  return `${r.toString('hex')}${(s > order / 2n ? order - s : s).toString(16)}`;
}
