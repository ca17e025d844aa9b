/** Keeps a 2xx to an INVITE on its way until its ACK is there. */
import type { Clock } from '../transaction/clock.js';
import type { ServerTransaction } from '../transaction/server-transaction.js';
import type { TimerSettings } from '../transaction/timers.js';

export interface AnswerRetransmitterOptions {
  /** CSeq number of the INVITE. */
  readonly cseq: number;
  readonly transaction: ServerTransaction;
  /** The 2xx. */
  readonly bytes: Buffer;
  readonly clock: Clock;
  readonly timers: TimerSettings;
  /** No ACK came in time. */
  readonly giveUp: () => void;
}

/**
 * Sends the 2xx of an INVITE again, at T1 doubling to T2, until its ACK comes or 64 · T1 have passed (RFC 3261
 * §13.3.1.4). It does so on every transport: the loss may be beyond the next hop.
 */
export class AnswerRetransmitter {
  /** CSeq number of the INVITE; its ACK has the same. */
  readonly cseq: number;
  readonly #transaction: ServerTransaction;
  readonly #bytes: Buffer;
  readonly #clock: Clock;
  readonly #timers: TimerSettings;
  #intervalMs: number;
  #resendTimer: unknown;
  #giveUpTimer: unknown;

  constructor(options: AnswerRetransmitterOptions) {
    const { cseq, transaction, bytes, clock, timers, giveUp } = options;
    this.cseq = cseq;
    this.#transaction = transaction;
    this.#bytes = bytes;
    this.#clock = clock;
    this.#timers = timers;
    this.#intervalMs = timers.t1Ms;
    this.#giveUpTimer = clock.setTimer(64 * timers.t1Ms, () => {
      this.stop();
      giveUp();
    });
    this.#schedule();
  }

  stop(): void {
    if (this.#resendTimer !== undefined) this.#clock.clearTimer(this.#resendTimer);
    if (this.#giveUpTimer !== undefined) this.#clock.clearTimer(this.#giveUpTimer);
    this.#resendTimer = undefined;
    this.#giveUpTimer = undefined;
  }

  #schedule(): void {
    this.#resendTimer = this.#clock.setTimer(this.#intervalMs, () => {
      this.#transaction.respondAgain(200, this.#bytes);
      this.#intervalMs = Math.min(2 * this.#intervalMs, this.#timers.t2Ms);
      this.#schedule();
    });
  }
}
