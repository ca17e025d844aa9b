/**
 * When to try again after the connection was lost: at once, then after waits that grow, each a little at random so that
 * a gateway that comes back is not met by everybody at the same moment, until it works or the time is over.
 *
 *   idle ── begin() ──► waiting ── delay, hasten() ──► trying ── 'done' ──► idle
 *                          ▲                             │
 *                          └────────── 'again' ──────────┘     time over, or the attempt rejects ──► idle
 *
 * `hasten()` while an attempt is under way makes the wait after it none: it may have begun before the network was back.
 */
export type AttemptResult = 'done' | 'again';

export interface ReconnectionOptions {
  /** One attempt, the first being number 0. It rejects where no other can succeed. */
  readonly attempt: (number: number) => Promise<AttemptResult>;
  readonly onDone: () => void;
  /** The time is over, or an attempt rejected with this error. */
  readonly onGaveUp: (error: unknown) => void;
  /** For all attempts together; with 0 the first loss is the end. */
  readonly timeoutMs: number;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Calls back after the delay; the returned function cancels it. */
  readonly delay: (milliseconds: number, callback: () => void) => () => void;
}

const firstSpreadMs = 200;
const leastDelayMs = 500;
const mostDelayMs = 8000;

/** How long to wait before the attempt with this number, in milliseconds; `random` is from 0 to 1. */
export function delayBeforeMs(number: number, random: number): number {
  if (number === 0) return firstSpreadMs * random;
  return Math.min(leastDelayMs * 2 ** (number - 1), mostDelayMs) * (0.5 + random);
}

export class Reconnection {
  readonly #options: ReconnectionOptions;
  #state: 'idle' | 'waiting' | 'trying' = 'idle';
  #number = 0;
  #beganMs = 0;
  #cancelDelay: (() => void) | undefined;
  #stopped = false;
  #isHastened = false;

  constructor(options: ReconnectionOptions) {
    this.#options = options;
  }

  get isUnderWay(): boolean {
    return this.#state !== 'idle';
  }

  /** No effect while it is under way. */
  begin(): void {
    if (this.#state !== 'idle' || this.#stopped) return;
    this.#number = 0;
    this.#isHastened = false;
    this.#beganMs = this.#options.nowMs();
    this.#wait();
  }

  /** The network has come back: no need to wait longer. */
  hasten(): void {
    if (this.#state === 'waiting') this.#try();
    else this.#isHastened = true;
  }

  /** For good. */
  stop(): void {
    this.#stopped = true;
    this.#cancelDelay?.();
    this.#cancelDelay = undefined;
    this.#state = 'idle';
  }

  #wait(): void {
    const { timeoutMs, nowMs, random, delay, onGaveUp } = this.#options;
    const waitMs = this.#isHastened ? 0 : delayBeforeMs(this.#number, random());
    this.#isHastened = false;
    if (timeoutMs <= 0 || nowMs() + waitMs - this.#beganMs > timeoutMs) {
      this.#state = 'idle';
      onGaveUp(undefined);
      return;
    }
    this.#state = 'waiting';
    this.#cancelDelay = delay(waitMs, () => this.#try());
  }

  #try(): void {
    this.#cancelDelay?.();
    this.#cancelDelay = undefined;
    this.#state = 'trying';
    this.#options.attempt(this.#number).then(
      (result) => {
        if (this.#stopped) return;
        this.#number += 1;
        if (result === 'again') return this.#wait();
        this.#state = 'idle';
        this.#options.onDone();
      },
      (error: unknown) => {
        if (this.#stopped) return;
        this.#state = 'idle';
        this.#options.onGaveUp(error);
      },
    );
  }
}
