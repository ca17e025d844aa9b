import type { Clock } from '../transaction/clock.js';
import type { ServerTransaction } from '../transaction/server-transaction.js';

/** Sends a provisional response again, at T1 doubling, until its PRACK comes or 64 · T1 have passed (RFC 3262 §3). */
export class ReliableProvisional {
  readonly rseq: number;
  readonly #clock: Clock;
  #resendTimer: unknown;
  #giveUpTimer: unknown;

  constructor(
    rseq: number,
    status: number,
    bytes: Buffer,
    transaction: ServerTransaction,
    clock: Clock,
    t1Ms: number,
    giveUp: () => void,
  ) {
    this.rseq = rseq;
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
