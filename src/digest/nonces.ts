/**
 * Nonces that a server makes and knows again without keeping them: each bears its time and a stamp that nobody else can make. Only
 * of those that a right answer came for it is kept how often they were answered, so that no answer counts twice. There is room
 * for so many; with the one that goes all that are as old become stale.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export interface NoncesOptions {
  /** Made anew with each life of the server, unless several servers are to know each other's. Default random. */
  readonly key?: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly lifetimeMs: number;
  /** Answered nonces that are kept at once. */
  readonly maxAnswered: number;
}

/** `stale`: the nonce was ours and is too old. */
export type NonceState = 'good' | 'stale' | 'foreign';

interface Answered {
  readonly atMs: number;
  /** The highest count so far. */
  highest: number;
  /** Which of the counts below it were seen: bit 0 is the one right below. They may overtake one another. */
  seen: number;
}

const timeBytes = 6;
const saltBytes = 6;
const stampBytes = 12;
const windowBits = 31;

export class Nonces {
  readonly #options: NoncesOptions;
  readonly #key: Uint8Array;
  /** The one that was answered first is first. */
  readonly #answered = new Map<string, Answered>();
  /** Nonces of this time and before are stale. */
  #staleUntilMs = 0;

  constructor(options: NoncesOptions) {
    this.#options = options;
    this.#key = options.key ?? randomBytes(32);
  }

  create(): string {
    const head = Buffer.alloc(timeBytes + saltBytes);
    head.writeUIntBE(this.#options.now(), 0, timeBytes);
    randomBytes(saltBytes).copy(head, timeBytes);
    return Buffer.concat([head, this.#stampOf(head)]).toString('base64url');
  }

  stateOf(nonce: string): NonceState {
    const atMs = this.#timeOf(nonce);
    if (atMs === null) return 'foreign';
    const isOld = this.#options.now() - atMs > this.#options.lifetimeMs;
    return isOld || atMs <= this.#staleUntilMs ? 'stale' : 'good';
  }

  /** Whether `take` would count that answer; it is not counted. */
  wouldTake(nonce: string, count: number): boolean {
    if (count < 1 || this.stateOf(nonce) !== 'good') return false;
    const answered = this.#answered.get(nonce);
    if (answered === undefined || count > answered.highest) return true;
    const bit = answered.highest - count - 1;
    return bit >= 0 && bit < windowBits && (answered.seen & (1 << bit)) === 0;
  }

  /** Counts a right answer. False where it was counted before, or may have been. Call it once the answer was found right. */
  take(nonce: string, count: number): boolean {
    const atMs = this.#timeOf(nonce);
    if (atMs === null || !this.wouldTake(nonce, count)) return false;
    const answered = this.#answered.get(nonce);
    if (answered === undefined) {
      this.#keep(nonce, { atMs, highest: count, seen: 0 });
      return true;
    }
    const ahead = count - answered.highest;
    if (ahead > 0) {
      answered.seen = ahead > windowBits ? 0 : ((answered.seen << ahead) | (1 << (ahead - 1))) & 0x7fff_ffff;
      answered.highest = count;
      return true;
    }
    answered.seen |= 1 << (-ahead - 1);
    return true;
  }

  get answeredCount(): number {
    return this.#answered.size;
  }

  #keep(nonce: string, answered: Answered): void {
    const { now, lifetimeMs, maxAnswered } = this.#options;
    this.#answered.set(nonce, answered);
    for (const [old, { atMs }] of this.#answered) {
      const isOver = now() - atMs > lifetimeMs;
      if (!isOver && this.#answered.size <= maxAnswered) break;
      this.#answered.delete(old);
      if (!isOver) this.#staleUntilMs = Math.max(this.#staleUntilMs, atMs);
    }
  }

  /** When it was made; null where it is not ours. */
  #timeOf(nonce: string): number | null {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== timeBytes + saltBytes + stampBytes) return null;
    // Another spelling of the same bytes would be another nonce to count.
    if (bytes.toString('base64url') !== nonce) return null;
    const head = bytes.subarray(0, timeBytes + saltBytes);
    if (!timingSafeEqual(bytes.subarray(timeBytes + saltBytes), this.#stampOf(head))) return null;
    return head.readUIntBE(0, timeBytes);
  }

  #stampOf(head: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(head).digest().subarray(0, stampBytes);
  }
}
