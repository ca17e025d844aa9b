/**
 * One offer/answer exchange at a time (RFC 3261 §14), whoever begins it.
 *
 *                negotiate()                     tryBeginRemote()
 *   offering  ◄──────────────  stable  ──────────────────────────►  answering
 *      │  answered, refused      ▲  ▲           endRemote() (ACK)       │
 *      ├─────────────────────────┘  └───────────────────────────────────┘
 *      └─ glare (491) ──► waiting ── delay ──► offering
 *                            └── tryBeginRemote() ──► answering, then offering
 *
 *   any state ── suspend() ──► suspended ── resume() ──► stable
 *
 * Requests made while an offer is out are served together by the next one. Suspended, while there is no way to the far
 * end, no exchange begins; what was in progress has come to nothing.
 */
export type NegotiationState = 'stable' | 'offering' | 'waiting' | 'answering' | 'suspended';

/** `glare`: the far end's own offer was on the way, nothing has changed; try again. */
export type OfferResult = 'answered' | 'glare';

export interface NegotiationQueueOptions {
  /** Makes an offer, sends it and applies the answer. Rejects when it was refused for good. */
  readonly offer: () => Promise<OfferResult>;
  /** Calls back after the delay; the returned function cancels it. */
  readonly delay: (milliseconds: number, callback: () => void) => () => void;
  readonly random: () => number;
  /** After this many collisions in a row the requests fail. Default 8. */
  readonly maxCollisions?: number;
  readonly onTooManyCollisions: () => Error;
}

interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Deviation: RFC 3261 §14.1 has the owner of the Call-ID wait 2.1 to 4 s after a 491, which a person would notice at
 * every simultaneous change. The gateway serialises its own offers, so a short, growing and random wait is fair enough.
 */
const collisionDelaysMs = { least: 50, spread: 200 };

export class NegotiationQueue {
  readonly #options: NegotiationQueueOptions;
  readonly #maxCollisions: number;
  #state: NegotiationState;
  #waiters: Waiter[] = [];
  /** By the offer that is out. */
  #served: Waiter[] = [];
  #collisions = 0;
  #cancelDelay: (() => void) | undefined;
  #closed: Error | undefined;
  /** Rises with each suspension: an offer of before it is nobody's any more. */
  #epoch = 0;

  /** Begins in `offering` where the first offer is made elsewhere: call `begin` once it is answered. */
  constructor(options: NegotiationQueueOptions, state: 'stable' | 'offering' = 'stable') {
    this.#options = options;
    this.#maxCollisions = options.maxCollisions ?? 8;
    this.#state = state;
  }

  get state(): NegotiationState {
    return this.#state;
  }

  /** Ends the initial `offering`. */
  begin(): void {
    this.#state = 'stable';
    this.#next();
  }

  /** Resolves once an offer made after this call is answered. */
  negotiate(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#next();
    });
  }

  /** False: our own offer is out, so the far end's must be refused with 491 (RFC 3261 §14.2). */
  tryBeginRemote(): boolean {
    if (this.#closed !== undefined || (this.#state !== 'stable' && this.#state !== 'waiting')) return false;
    this.#cancelDelay?.();
    this.#cancelDelay = undefined;
    this.#state = 'answering';
    return true;
  }

  /** The far end has acknowledged our answer, or its offer came to nothing. */
  endRemote(): void {
    if (this.#state !== 'answering') return;
    this.#state = 'stable';
    this.#next();
  }

  /** Fails what waits, the offer that is out too. */
  suspend(reason: Error): void {
    if (this.#closed !== undefined) return;
    this.#epoch += 1;
    this.#state = 'suspended';
    this.#collisions = 0;
    this.#cancelDelay?.();
    this.#cancelDelay = undefined;
    for (const waiter of [...this.#served.splice(0), ...this.#waiters.splice(0)]) waiter.reject(reason);
  }

  resume(): void {
    if (this.#state !== 'suspended') return;
    this.#toStable();
  }

  /** Fails what waits and what will be asked. Idempotent. */
  close(reason: Error): void {
    this.suspend(reason);
    this.#closed ??= reason;
  }

  #next(): void {
    if (this.#state !== 'stable' || this.#waiters.length === 0 || this.#closed !== undefined) return;
    this.#state = 'offering';
    this.#served = this.#waiters.splice(0);
    const epoch = this.#epoch;
    this.#options.offer().then(
      (result) => {
        if (epoch === this.#epoch) this.#ended(result);
      },
      (error: unknown) => {
        if (epoch === this.#epoch) this.#failed(error);
      },
    );
  }

  #ended(result: OfferResult): void {
    if (result === 'answered') {
      this.#collisions = 0;
      for (const waiter of this.#served.splice(0)) waiter.resolve();
      this.#toStable();
      return;
    }
    this.#collisions += 1;
    if (this.#collisions >= this.#maxCollisions) {
      this.#failed(this.#options.onTooManyCollisions());
      return;
    }
    this.#waiters.unshift(...this.#served.splice(0));
    this.#state = 'waiting';
    const { least, spread } = collisionDelaysMs;
    const wait = least * this.#collisions + spread * this.#options.random() * this.#collisions;
    this.#cancelDelay = this.#options.delay(wait, () => {
      this.#cancelDelay = undefined;
      this.#toStable();
    });
  }

  #failed(error: unknown): void {
    this.#collisions = 0;
    for (const waiter of this.#served.splice(0)) waiter.reject(error);
    this.#toStable();
  }

  #toStable(): void {
    this.#state = 'stable';
    this.#next();
  }
}
