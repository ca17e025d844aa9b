/**
 * Offers and answers within one dialog, one at a time (RFC 3264 §4): our re-INVITEs when what the leg receives changes,
 * and the far end's. Requests for an offer are coalesced; glare (491) is retried after the time that RFC 3261 §14.1
 * gives the side that does not own the Call-ID. After an offer that came to nothing the next waits, longer each time: the
 * media asks for it again at once, and a far end that is gone or refuses would be asked without end.
 */
import type { Clock, Timer } from '../../domain/clock.js';
import type { Logger } from '../../domain/logger.js';
import type { MediaConnection } from '../../domain/media-plane.js';
import type { SrfDialog, SrfResponse } from './srf.js';

export interface NegotiationOptions {
  readonly dialog: SrfDialog;
  readonly media: () => MediaConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The far end knows nothing of the dialog (481), or did not answer (408). */
  readonly onDialogGone: (status: number) => void;
}

/** RFC 3261 §14.1: "a randomly chosen value of between 0 and 2 seconds in units of 10 ms". */
const glareRetryUnits = 200;
const glareRetryUnitMs = 10;
/** Doubles with each offer in a row that came to nothing. */
const firstPauseMs = 1000;
const maxPauseMs = 60_000;
/** Longer than timer B, after which the SIP server reports 408 by itself. */
const reinviteTimeoutMs = 40_000;
/** An offerless re-INVITE's answer comes in the ACK, which comes within 64·T1 or the dialog ends. */
const ackTimeoutMs = 40_000;

export class Negotiation {
  readonly #options: NegotiationOptions;
  #started = false;
  #closed = false;
  #wanted = false;
  /** No offer goes out before it. */
  #retry: Timer | null = null;
  /** Offers in a row that came to nothing. */
  #failures = 0;
  /** Every exchange runs behind the one before it. */
  #tail: Promise<unknown> = Promise.resolve();
  #onAcknowledged: ((answer: string | undefined) => void) | null = null;
  /** Ends what is being waited for when the call ends. */
  readonly #abort = new Set<() => void>();

  constructor(options: NegotiationOptions) {
    this.#options = options;
  }

  /** The dialog is confirmed: offers may be sent. */
  start(): void {
    this.#started = true;
    if (this.#wanted) this.#enqueueOffer();
  }

  /** What the leg receives has changed: an offer is due. */
  request(): void {
    const isQueued = this.#wanted;
    this.#wanted = true;
    if (this.#started && !isQueued && this.#retry === null) this.#enqueueOffer();
  }

  /** Answers the far end's offer, or makes ours where a re-INVITE has none; its answer then comes with `acknowledged`. */
  answer(offer: string | undefined): Promise<string> {
    if (offer !== undefined) {
      return this.#exclusively(async () => {
        const answer = await this.#options.media().answer(offer);
        this.#endPause();
        return answer;
      });
    }
    return new Promise((resolve, reject) => {
      this.#exclusively(async () => {
        const media = this.#options.media();
        resolve(await media.offer());
        // The exchange is over only when the ACK has brought the answer; others wait behind it.
        await this.#takeAnswerFromAck(media);
      }).catch(reject);
    });
  }

  /** An ACK came; with the answer, where the offer was ours. */
  acknowledged(answer: string | undefined): void {
    this.#onAcknowledged?.(answer);
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    for (const abort of this.#abort) abort();
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #enqueueOffer(): void {
    this.#exclusively(() => this.#offer()).catch((error: unknown) => {
      if (!this.#closed) this.#options.logger.warn({ err: error }, 'could not renegotiate a leg');
    });
  }

  async #offer(): Promise<void> {
    // Glare, or a pause, is over only when its time is: what was requested meanwhile goes out then.
    if (this.#closed || !this.#wanted || this.#retry !== null) return;
    this.#wanted = false;
    const media = this.#options.media();
    const offer = await media.offer();
    let response: SrfResponse | undefined;
    try {
      response = await this.#reinvite(offer);
      if (response?.status === 200) {
        await media.accept(response.body ?? '');
        this.#failures = 0;
        return;
      }
    } catch (error) {
      this.#pause();
      // An offer left pending would bar every later one, the far end's too.
      await this.#rollback(media);
      throw error;
    }
    if (this.#closed) return;
    if (response?.status !== 491) this.#pause();
    await this.#rollback(media);
    if (response?.status === 491) this.#retryAfterGlare();
    else if (response?.status === 481 || response?.status === 408)
      this.#options.onDialogGone(response.status);
    else this.#options.logger.warn({ status: response?.status }, 'the far end refused a new offer');
  }

  /** The final response, or undefined where none came in time or the call ended. */
  #reinvite(offer: string): Promise<SrfResponse | undefined> {
    const { dialog } = this.#options;
    return this.#within(reinviteTimeoutMs, (resolve, reject) => {
      dialog.request(
        {
          method: 'INVITE',
          body: offer,
          headers: { Contact: dialog.local.contact, 'Content-Type': 'application/sdp' },
        },
        (error, response) => {
          if (error) reject(error);
          else if (response !== undefined && response.status >= 200) resolve(response);
        },
      );
    });
  }

  async #takeAnswerFromAck(media: MediaConnection): Promise<void> {
    try {
      const answer = await this.#within<string>(ackTimeoutMs, (resolve) => {
        this.#onAcknowledged = (body) => resolve(body ?? '');
      });
      if (this.#closed) return;
      if (answer === undefined || answer === '') await this.#rollback(media);
      else await media.accept(answer);
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'the answer in an ACK cannot be used');
      await this.#rollback(media);
    } finally {
      this.#onAcknowledged = null;
    }
  }

  async #rollback(media: MediaConnection): Promise<void> {
    try {
      await media.rollback();
    } catch (error) {
      // The leg's media is gone, and its end is told elsewhere.
      this.#options.logger.debug({ err: error }, 'an offer could not be rolled back');
    }
  }

  #retryAfterGlare(): void {
    this.#wanted = true;
    this.#holdOffers(Math.floor(Math.random() * glareRetryUnits) * glareRetryUnitMs);
  }

  #pause(): void {
    this.#holdOffers(Math.min(firstPauseMs * 2 ** this.#failures, maxPauseMs));
    this.#failures += 1;
  }

  /** The far end is there and talks: what waited for that need not wait any longer. */
  #endPause(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#retry?.cancel();
    this.#retry = null;
    if (this.#wanted) this.#enqueueOffer();
  }

  #holdOffers(delayMs: number): void {
    if (this.#closed) return;
    this.#retry?.cancel();
    this.#retry = this.#options.clock.after(delayMs, () => {
      this.#retry = null;
      if (this.#wanted) this.#enqueueOffer();
    });
  }

  /** Settles with the work's result, or with undefined when the time is over or the negotiation closed. */
  #within<T>(
    timeoutMs: number,
    work: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  ): Promise<T | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const finish = () => {
        timer.cancel();
        this.#abort.delete(abort);
      };
      const abort = () => {
        finish();
        resolve(undefined);
      };
      const timer = this.#options.clock.after(timeoutMs, abort);
      this.#abort.add(abort);
      work(
        (value) => {
          finish();
          resolve(value);
        },
        (error) => {
          finish();
          reject(error);
        },
      );
    });
  }
}
