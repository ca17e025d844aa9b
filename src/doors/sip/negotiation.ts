/**
 * Offers and answers within one dialog, one at a time (RFC 3264 §4): our re-INVITEs when what the leg receives changes,
 * and the far end's. When one of ours may go out is `offer-schedule`'s to say; every exchange waits for the one before it.
 * Requests for an offer are coalesced; glare (491) is retried after the time that RFC 3261 §14.1 gives the side that does not
 * own the Call-ID; after ten of them in a row the far end is taken to have refused. After an offer that came to
 * nothing the next one waits, longer each time: the media asks for it again at once, and a far end that is gone or refuses would be
 * asked without end.
 */
import type { Clock, Timer } from '../../domain/clock.js';
import type { Logger } from '../../domain/logger.js';
import { FarEndUnreachable, logMediaFailure } from '../../domain/log-media-failure.js';
import type { MediaConnection } from '../../domain/media-plane.js';
import { nextOfferState, receptionOf, type OfferInput, type OfferState } from './offer-schedule.js';
import { descriptionIn } from './session-body.js';
import type { SrfDialog, SrfResponse } from './srf.js';

export interface NegotiationOptions {
  readonly dialog: SrfDialog;
  readonly media: () => MediaConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The far end knows nothing of the dialog (481), or says that somebody did not answer (408); null: it did not answer at all. */
  readonly onDialogGone: (status: number | null) => void;
  /** Header fields of our next INVITE, beside its own. */
  readonly offerHeaders?: () => Readonly<Record<string, string>>;
  /** The far end has answered an offer of ours. */
  readonly onAccepted?: (response: SrfResponse) => void;
}

/** RFC 3261 §14.1: "a randomly chosen value of between 0 and 2 seconds in units of 10 ms". */
const glareRetryUnits = 200;
const glareRetryUnitMs = 10;
/** Two that keep meeting part within a few tries: half of the time in each. */
const maxCollisions = 10;
/** Doubles with each offer in a row that came to nothing. */
const firstPauseMs = 1000;
const maxPauseMs = 60_000;
/** Longer than timer B, after which the SIP server reports 408 by itself. */
const reinviteTimeoutMs = 40_000;
/** An offerless re-INVITE's answer comes in the ACK, which comes within 64·T1 or the dialog ends. */
const ackTimeoutMs = 40_000;

/** An offer of ours is open; the far end is to try again a little later (491). */
export class OfferCollision extends Error {
  constructor() {
    super('an offer of ours is open');
  }
}

export class Negotiation {
  readonly #options: NegotiationOptions;
  #state: OfferState = 'early';
  /** Ends the wait after an offer that came to nothing. */
  #wait: Timer | null = null;
  /** Offers in a row that came to nothing. */
  #failures = 0;
  /** Those of ours in a row that met one of the far end's, as it says. */
  #collisions = 0;
  /** Every exchange runs behind the one before it. */
  #tail: Promise<unknown> = Promise.resolve();
  #onAcknowledged: ((answer: string | null) => void) | null = null;
  /** Ends what is being waited for when the call ends. */
  readonly #abort = new Set<() => void>();

  constructor(options: NegotiationOptions) {
    this.#options = options;
  }

  /** The dialog is confirmed: offers may be sent. */
  start(): void {
    this.#step('confirmed');
  }

  /** What the leg receives has changed: an offer is due. */
  request(): void {
    this.#step('wanted');
  }

  /**
   * Answers the far end's offer, or makes ours where a re-INVITE has none; its answer then comes with `acknowledged`. Rejects
   * with OfferCollision, at once, where an offer of ours is open.
   */
  answer(offer: string | null, method: 'INVITE' | 'UPDATE'): Promise<string> {
    const reception = receptionOf(this.#state, method);
    if (reception === 'collide') return Promise.reject(new OfferCollision());
    // What was waited for will not come any more. The new exchange stands behind it in the queue.
    if (reception === 'overtake') this.#onAcknowledged?.(null);
    if (offer !== null) {
      return this.#exclusively(async () => {
        const answer = await this.#options.media().answer(offer);
        this.#heard();
        return answer;
      });
    }
    return new Promise((resolve, reject) => {
      this.#exclusively(async () => {
        const media = this.#options.media();
        this.#wait?.cancel();
        this.#step('asked');
        try {
          resolve(await media.offer());
        } catch (error) {
          this.#step('withdrawn');
          throw error;
        }
        // The exchange is over only when the ACK has brought the answer; others wait behind it.
        await this.#takeAnswerFromAck(media);
      }).catch(reject);
    });
  }

  /** An ACK came; with the answer, where the offer was ours. */
  acknowledged(answer: string | null): void {
    this.#onAcknowledged?.(answer);
  }

  close(): void {
    this.#step('closed');
    this.#wait?.cancel();
    for (const abort of this.#abort) abort();
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #step(input: OfferInput): void {
    const before = this.#state;
    this.#state = nextOfferState(before, input);
    if (this.#state !== 'due' || before === 'due') return;
    this.#exclusively(() => this.#offer()).catch((error: unknown) => {
      if (!this.#isClosed) logMediaFailure(this.#options.logger, error, 'could not renegotiate a leg');
    });
  }

  async #offer(): Promise<void> {
    // Closed while it waited for the exchange before it.
    if (this.#state !== 'due') return;
    this.#step('begun');
    const media = this.#options.media();
    let response: SrfResponse | null = null;
    try {
      const offer = await media.offer();
      response = await this.#reinvite(offer);
      // Some say 202.
      if (response !== null && response.status < 300) {
        // What the far end offers from now on crosses nothing of ours.
        this.#step('answered');
        this.#options.onAccepted?.(response);
        await media.accept(descriptionIn(response) ?? '');
        this.#wentWell();
        return;
      }
    } catch (error) {
      this.#refused();
      // An offer left pending would bar every later one, the far end's too.
      await this.#rollback(media);
      throw error;
    }
    if (this.#isClosed) return;
    const status = response?.status;
    const isCollision = status === 491 && this.#collisions < maxCollisions;
    if (!isCollision) this.#refused();
    await this.#rollback(media);
    if (isCollision) this.#collided();
    else if (status === 481 || status === 408)
      this.#options.onDialogGone(response?.source_address === '' ? null : status);
    else this.#options.logger.warn({ status }, 'the far end refused a new offer');
  }

  /** The final response, or null where none came in time or the call ended. */
  #reinvite(offer: string): Promise<SrfResponse | null> {
    const { dialog, offerHeaders } = this.#options;
    const own = { Contact: dialog.local.contact, 'Content-Type': 'application/sdp' };
    return this.#within(reinviteTimeoutMs, (resolve, reject) => {
      dialog.request(
        {
          method: 'INVITE',
          body: offer,
          headers: { ...own, ...offerHeaders?.() },
        },
        (error, response) => {
          if (error) reject(new FarEndUnreachable(error.message, { cause: error }));
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
      if (this.#isClosed) return;
      const isAnswered = answer !== null && answer !== '';
      this.#step(isAnswered ? 'answered' : 'withdrawn');
      if (isAnswered) {
        await media.accept(answer);
        this.#wentWell();
        return;
      }
    } catch (error) {
      logMediaFailure(this.#options.logger, error, 'the answer in an ACK cannot be used');
    } finally {
      this.#onAcknowledged = null;
    }
    await this.#rollback(media);
  }

  async #rollback(media: MediaConnection): Promise<void> {
    try {
      await media.rollback();
    } catch (error) {
      // The leg's media is gone, and its end is told elsewhere.
      this.#options.logger.debug({ err: error }, 'an offer could not be rolled back');
    }
  }

  #collided(): void {
    this.#collisions += 1;
    this.#step('collided');
    this.#waitFor(Math.floor(Math.random() * glareRetryUnits) * glareRetryUnitMs);
  }

  #refused(): void {
    this.#step('refused');
    this.#waitFor(Math.min(firstPauseMs * 2 ** this.#failures, maxPauseMs));
    this.#failures += 1;
  }

  #wentWell(): void {
    this.#failures = 0;
    this.#collisions = 0;
  }

  /** The far end is there and talks: what waited for that need not wait any longer. */
  #heard(): void {
    this.#wentWell();
    if (this.#state === 'paused' || this.#state === 'paused-due') this.#wait?.cancel();
    this.#step('heard');
  }

  #waitFor(delayMs: number): void {
    if (this.#isClosed) return;
    this.#wait?.cancel();
    this.#wait = this.#options.clock.after(delayMs, () => this.#step('elapsed'));
  }

  /** Settles with the work's result, or with null when the time is over or the negotiation closed. */
  #within<T>(
    timeoutMs: number,
    work: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  ): Promise<T | null> {
    if (this.#isClosed) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      const finish = () => {
        timer.cancel();
        this.#abort.delete(abort);
      };
      const abort = () => {
        finish();
        resolve(null);
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
