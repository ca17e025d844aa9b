/** Keeps a provisional response on its way until its PRACK is there (100rel). */
import type { Clock } from '../transaction/clock.js';
import type { ServerTransaction } from '../transaction/server-transaction.js';

export interface ReliableProvisionalOptions {
  readonly rseq: number;
  readonly status: number;
  /** It bears an offer or an answer. */
  readonly hasDescription: boolean;
  /** The response. */
  readonly bytes: Buffer;
  readonly transaction: ServerTransaction;
  readonly clock: Clock;
  readonly t1Ms: number;
  /** No PRACK came in time. */
  readonly giveUp: () => void;
}

/** Sends a provisional response again, at T1 doubling, until its PRACK comes or 64 · T1 have passed (RFC 3262 §3). */
export class ReliableProvisional {
  readonly rseq: number;
  readonly hasDescription: boolean;
  readonly #clock: Clock;
  #resendTimer: unknown;
  #giveUpTimer: unknown;

  constructor(options: ReliableProvisionalOptions) {
    const { rseq, status, bytes, transaction, clock, t1Ms, giveUp } = options;
    this.rseq = rseq;
    this.hasDescription = options.hasDescription;
    this.#clock = clock;
    const resend = (intervalMs: number): void => {
      this.#resendTimer = clock.setTimer(intervalMs, () => {
        transaction.respondAgain(status, bytes);
        resend(2 * intervalMs);
      });
    };
    resend(t1Ms);
    this.#giveUpTimer = clock.setTimer(64 * t1Ms, () => {
      this.stop();
      giveUp();
    });
  }

  stop(): void {
    if (this.#resendTimer !== undefined) this.#clock.clearTimer(this.#resendTimer);
    if (this.#giveUpTimer !== undefined) this.#clock.clearTimer(this.#giveUpTimer);
    this.#resendTimer = undefined;
    this.#giveUpTimer = undefined;
  }
}
