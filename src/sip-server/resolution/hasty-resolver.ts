/** Look-ups for one request that may take only so much time together. */
import type { Clock } from '../transaction/clock.js';
import type { AddressFamily, NaptrRecord, Resolver, SrvRecord } from './resolver.js';

export interface HastyResolverOptions {
  readonly clock: Clock;
  /** For all questions together; then each rejects, and nothing more is asked. */
  readonly maxMs: number;
}

/** Asks another resolver until the time is used up: who names servers that the DNS is silent about delays a request no longer. */
export class HastyResolver implements Resolver {
  readonly #resolver: Resolver;
  readonly #clock: Clock;
  #leftMs: number;
  /** Questions that wait for their answers; the time runs while there are any. */
  #waiting = 0;
  #sinceMs = 0;

  constructor(resolver: Resolver, { clock, maxMs }: HastyResolverOptions) {
    this.#resolver = resolver;
    this.#clock = clock;
    this.#leftMs = maxMs;
  }

  lookupNaptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.#inTime(() => this.#resolver.lookupNaptr(name));
  }

  lookupSrv(name: string): Promise<readonly SrvRecord[]> {
    return this.#inTime(() => this.#resolver.lookupSrv(name));
  }

  lookupAddress(name: string, family: AddressFamily): Promise<readonly string[]> {
    return this.#inTime(() => this.#resolver.lookupAddress(name, family));
  }

  async #inTime<T>(lookUp: () => Promise<T>): Promise<T> {
    if (this.#waiting === 0) this.#sinceMs = this.#clock.nowMs();
    const leftMs = this.#leftMs - this.#elapsedMs();
    if (leftMs <= 0) throw new Error('servers were looked up for too long');
    this.#waiting += 1;
    let timer: unknown;
    const late = new Promise<never>((_resolve, reject) => {
      timer = this.#clock.setTimer(leftMs, () => reject(new Error('servers were looked up for too long')));
    });
    try {
      return await Promise.race([lookUp(), late]);
    } finally {
      this.#clock.clearTimer(timer);
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#leftMs -= this.#elapsedMs();
    }
  }

  /** Never negative, also where the clock was set back. */
  #elapsedMs(): number {
    return Math.max(0, this.#clock.nowMs() - this.#sinceMs);
  }
}
