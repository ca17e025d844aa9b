/**
 * The offers of what a device receives, one at a time, each a complete list with a revision higher than any before it.
 * A device answers each offer in order, or not at all where it cannot take it; an answer does not say which offer it is
 * for. So an offer that stays unanswered is taken back and made anew, and an answer that has not as many sections as the
 * offer that is out belongs to one before. The states are those of subscribe-states.ts.
 */
import type { Clock, Timer } from '../../domain/clock.js';
import { logMediaFailure } from '../../domain/log-media-failure.js';
import type { Logger } from '../../domain/logger.js';
import type { MediaConnection } from '../../domain/media-plane.js';
import { countSections } from './device-sdp.js';
import { RpcFailure, rpcError } from './json-rpc.js';
import { subscribedMetadata, type StreamMetadata } from './stream-metadata.js';
import { nextState, type SubscribeEvent, type SubscribeState } from './subscribe-states.js';

export interface SubscribeOffer {
  readonly sdpOffer: string;
  readonly sdpRevision: number;
  readonly endpointId: string;
  readonly streamMetadata: StreamMetadata;
}

export interface SubscribeNegotiationOptions {
  /** Names what is offered towards the device. */
  readonly endpointId: string;
  readonly connection: MediaConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called only while attached. */
  readonly send: (offer: SubscribeOffer) => void;
}

/** The pause before an offer is made again whose answer could not be used. */
const firstRetryMs = 1000;

/** How long the first try waits for an answer; each later one twice as long. */
const answerTimeoutMs = 5000;
/** The longest wait. */
const maxDelayMs = 60_000;

export class SubscribeNegotiation {
  readonly #options: SubscribeNegotiationOptions;
  #state: SubscribeState = 'away';
  /** Ends with the state that began it. */
  #timer: Timer | null = null;
  /** What the device receives is not what it was last offered. */
  #isDue = false;
  /** The media plane has, or may have, an offer of ours that was not answered. */
  #isOutstanding = false;
  /** How many sections the last offer has that was sent. */
  #sections = 0;
  #revision = 0;
  /** Offers in a row that came to nothing. */
  #failures = 0;

  constructor(options: SubscribeNegotiationOptions) {
    this.#options = options;
  }

  get state(): SubscribeState {
    return this.#state;
  }

  /** The device can be told: what it missed, or may have missed, is offered. */
  attach(): void {
    this.#failures = 0;
    if (this.#revision > 0) this.#isDue = true;
    this.#move('attach');
  }

  /** The device cannot be told for the time being. */
  detach(): void {
    this.#move('detach');
  }

  /** What the device receives has changed: an offer is due. */
  request(): void {
    this.#isDue = true;
    this.#move('want');
  }

  /** The device's answer. Rejects with RpcFailure where none is due, with MediaRefusal where it cannot be used. */
  async answer(sdpAnswer: string): Promise<void> {
    if (this.#state !== 'awaiting') throw new RpcFailure(rpcError.invalidRequest, 'no offer is outstanding');
    const sections = countSections(sdpAnswer);
    if (sections !== null && sections !== this.#sections) return;
    this.#move('answered');
    try {
      await this.#options.connection.accept(sdpAnswer);
    } catch (error) {
      this.#failed();
      throw error;
    }
    this.#isOutstanding = false;
    this.#failures = 0;
    this.#move('accepted');
  }

  close(): void {
    this.#move('close');
  }

  /** No effect where the event changes nothing in this state. */
  #move(event: SubscribeEvent): void {
    const next = nextState(this.#state, event);
    if (next === null) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#state = next;
    if (next === 'idle' && this.#isDue) this.#move('want');
    else if (event === 'want') void this.#offer();
  }

  async #offer(): Promise<void> {
    const { connection, logger } = this.#options;
    this.#isDue = false;
    let sdpOffer: string;
    try {
      if (this.#isOutstanding) await connection.rollback();
      this.#isOutstanding = true;
      sdpOffer = await connection.offer();
    } catch (error) {
      if (this.#state !== 'closed')
        logMediaFailure(logger, error, 'could not offer a device what it receives');
      this.#failed();
      return;
    }
    // Made in vain: the device is away.
    if (this.#state === 'offering-away') this.#isDue = true;
    this.#move('offered');
    if (this.#state === 'awaiting') this.#send(sdpOffer);
  }

  #send(sdpOffer: string): void {
    const { clock, send, endpointId } = this.#options;
    // From the clock, so that it rises over a restart of the gateway too, which the device outlives.
    this.#revision = Math.max(this.#revision + 1, clock.now());
    this.#sections = countSections(sdpOffer) ?? 0;
    this.#timer = clock.after(this.#delay(answerTimeoutMs), () => this.#unanswered());
    const streamMetadata = subscribedMetadata(sdpOffer);
    send({ sdpOffer, sdpRevision: this.#revision, endpointId, streamMetadata });
  }

  #unanswered(): void {
    this.#options.logger.info({ revision: this.#revision }, 'a device did not answer an offer');
    this.#failures += 1;
    this.#isDue = true;
    this.#move('unanswered');
  }

  #failed(): void {
    this.#isDue = true;
    this.#move('failed');
    if (this.#state === 'pausing')
      this.#timer = this.#options.clock.after(this.#delay(firstRetryMs), () => this.#move('resume'));
    this.#failures += 1;
  }

  #delay(firstMs: number): number {
    return Math.min(maxDelayMs, firstMs * 2 ** this.#failures);
  }
}
