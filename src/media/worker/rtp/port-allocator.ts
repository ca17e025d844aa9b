import { SdpRefusal } from '../sdp/sdp-refusal.js';

export interface PortAllocatorOptions {
  /** First and last port of the range, both included. Pairs begin at even ports. */
  readonly from: number;
  readonly to: number;
  /** How long a released pair rests, so that what still arrives for a dead call meets nobody. Default 30 000. */
  readonly restMs?: number;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly now?: () => number;
  /** Where in the range to begin, 0 ≤ x < 1: ports that cannot be guessed are harder to inject into. Default random. */
  readonly startAt?: number;
}

/**
 * Hands out pairs of an even port for RTP and the odd one above for RTCP (RFC 3550 §11), round the range, so that the
 * pair released longest ago comes first. Knows nothing of sockets: see `openRtpSockets`.
 */
export class PortAllocator {
  readonly #free: number[] = [];
  #head = 0;
  readonly #resting: { readonly port: number; readonly untilMs: number }[] = [];
  readonly #taken = new Set<number>();
  readonly #restMs: number;
  readonly #now: () => number;

  constructor({
    from,
    to,
    restMs = 30_000,
    now = () => performance.now(),
    startAt = Math.random(),
  }: PortAllocatorOptions) {
    const first = from + (from & 1);
    const pairs = Math.max(0, Math.floor((to - first + 1) / 2));
    const start = Math.floor(pairs * startAt);
    for (let i = 0; i < pairs; i++) this.#free.push(first + 2 * ((start + i) % pairs));
    this.#restMs = restMs;
    this.#now = now;
  }

  /** Pairs that could be taken now. */
  get available(): number {
    this.#wake();
    return this.#free.length - this.#head;
  }

  get taken(): number {
    return this.#taken.size;
  }

  /** Takes a pair; returns its even port. Throws SdpRefusal `overloaded` when none is left. */
  take(): number {
    this.#wake();
    const port = this.#free[this.#head];
    if (port === undefined) throw new SdpRefusal('overloaded', 'no RTP port is left');
    this.#head++;
    if (this.#head === 1024) {
      this.#free.splice(0, this.#head);
      this.#head = 0;
    }
    this.#taken.add(port);
    return port;
  }

  /** Gives a pair back to rest. Ignores ports that are not taken. */
  release(port: number): void {
    if (this.#taken.delete(port)) this.#resting.push({ port, untilMs: this.#now() + this.#restMs });
  }

  #wake(): void {
    const now = this.#now();
    let awake = 0;
    while (awake < this.#resting.length && this.#resting[awake]!.untilMs <= now) {
      this.#free.push(this.#resting[awake]!.port);
      awake++;
    }
    if (awake > 0) this.#resting.splice(0, awake);
  }
}
