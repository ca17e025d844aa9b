/**
 * Datagrams of strangers, which wait until nobody else has anything to be read: a flood of them costs the calls that stand, and
 * whoever is known, next to nothing. In each turn of the event loop they get a short time, so that the network and the timers
 * come first however many wait.
 */
import { FairQueue } from './fair-queue.js';
import type { Precedence } from './transport.js';

export interface Datagram {
  readonly bytes: Buffer;
  readonly address: string;
  readonly port: number;
}

export interface WaitingDatagramsOptions {
  /** How many may wait in each of the two queues; beyond it the oldest are dropped. */
  readonly maxWaiting: number;
  readonly sourceOf: (address: string) => string;
  readonly read: (datagram: Datagram) => void;
  /** Told with each that comes how many had to go for it, mostly none. */
  readonly onDropped: (count: number) => void;
  /** Monotonic, in ms. */
  readonly nowMs: () => number;
}

/** A call takes several turns to be answered, and waits so long in each. */
const turnMs = 1;
/** Longer ones may be fewer: only a credential with certificates is of more. */
const usualBytes = 4096;
/** One source has no more than this share of the places. */
const minSources = 4;
/** One in so many is taken from those that come later, where both kinds wait: nobody waits for ever. */
const laterEvery = 8;

export class WaitingDatagrams {
  readonly #options: WaitingDatagramsOptions;
  readonly #soon: FairQueue<Datagram>;
  readonly #later: FairQueue<Datagram>;
  #turn: NodeJS.Immediate | null = null;
  #read = 0;

  constructor(options: WaitingDatagramsOptions) {
    this.#options = options;
    const { maxWaiting: maxItems } = options;
    const limits = { maxItems, maxBytes: maxItems * usualBytes, minSources };
    this.#soon = new FairQueue(limits);
    this.#later = new FairQueue(limits);
  }

  add(datagram: Datagram, precedence: Exclude<Precedence, 'at-once'>): void {
    const queue = precedence === 'soon' ? this.#soon : this.#later;
    this.#options.onDropped(queue.add(this.#options.sourceOf(datagram.address), datagram));
    this.#turn ??= setImmediate(this.#takeTurn);
  }

  /** Whatever waits is dropped. Idempotent. */
  close(): void {
    if (this.#turn !== null) clearImmediate(this.#turn);
    this.#turn = null;
    this.#soon.clear();
    this.#later.clear();
  }

  readonly #takeTurn = (): void => {
    const { read, nowMs } = this.#options;
    this.#turn = null;
    const endMs = nowMs() + turnMs;
    do {
      const datagram = this.#next();
      if (datagram === undefined) return;
      read(datagram);
    } while (nowMs() < endMs);
    if (this.#soon.size + this.#later.size > 0) this.#turn ??= setImmediate(this.#takeTurn);
  };

  #next(): Datagram | undefined {
    this.#read += 1;
    const [first, second] =
      this.#read % laterEvery === 0 ? [this.#later, this.#soon] : [this.#soon, this.#later];
    return first.take() ?? second.take();
  }
}
