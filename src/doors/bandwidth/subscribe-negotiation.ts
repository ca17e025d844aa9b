/**
 * The offers of what a device receives, one at a time, each a complete list with a revision higher than any before it.
 * A device answers each offer in order, or not at all where it cannot take it; an answer does not say which offer it is
 * for. So an offer that stays unanswered is taken back and made anew, and an answer that has not as many sections as the
 * offer that is out belongs to one before.
 */
import type { Clock, Timer } from '../../domain/clock.js';
import type { Logger } from '../../domain/logger.js';
import type { MediaConnection } from '../../domain/media-plane.js';
import { countSections } from './device-sdp.js';
import { RpcFailure, rpcError } from './json-rpc.js';
import { subscribedMetadata, type StreamMetadata } from './stream-metadata.js';

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
  /** How long the first try waits for an answer; each later one twice as long. Default 5000 ms. */
  readonly answerTimeoutMs?: number;
  /** The longest wait. Default 60 000 ms. */
  readonly maxDelayMs?: number;
}

/** Before an offer is made again whose answer could not be used. */
const firstRetryMs = 1000;

export class SubscribeNegotiation {
  readonly #options: SubscribeNegotiationOptions;
  readonly #answerTimeoutMs: number;
  readonly #maxDelayMs: number;
  #attached = false;
  #closed = false;
  /** What the device receives is not what it was last offered. */
  #wanted = false;
  /** The media plane is at work. */
  #busy = false;
  /** The media plane has an offer of ours out that was not answered. */
  #outstanding = false;
  /** While the device is expected to answer: how many sections, and until when. */
  #awaited: { readonly sections: number; readonly timer: Timer } | null = null;
  #retry: Timer | null = null;
  #failures = 0;
  #revision = 0;

  constructor(options: SubscribeNegotiationOptions) {
    this.#options = options;
    this.#answerTimeoutMs = options.answerTimeoutMs ?? 5000;
    this.#maxDelayMs = options.maxDelayMs ?? 60_000;
  }

  /** The device can be told: what it missed, or may have missed, is offered. */
  attach(): void {
    this.#attached = true;
    this.#failures = 0;
    if (this.#revision > 0) this.#wanted = true;
    this.#next();
  }

  /** The device cannot be told for the time being. */
  detach(): void {
    this.#attached = false;
    this.#stopWaiting();
  }

  /** What the device receives has changed: an offer is due. */
  request(): void {
    this.#wanted = true;
    this.#next();
  }

  /** The device's answer. Rejects with RpcFailure where none is due, with MediaRefusal where it cannot be used. */
  async answer(sdpAnswer: string): Promise<void> {
    const awaited = this.#awaited;
    if (awaited === null) throw new RpcFailure(rpcError.invalidRequest, 'no offer is outstanding');
    if (countSections(sdpAnswer) !== awaited.sections) return;
    this.#stopWaiting();
    this.#busy = true;
    try {
      await this.#options.connection.accept(sdpAnswer);
      this.#outstanding = false;
      this.#failures = 0;
    } catch (error) {
      this.#failed();
      throw error;
    } finally {
      this.#busy = false;
      this.#next();
    }
  }

  close(): void {
    this.#closed = true;
    this.detach();
  }

  #stopWaiting(): void {
    this.#awaited?.timer.cancel();
    this.#awaited = null;
    this.#retry?.cancel();
    this.#retry = null;
  }

  #next(): void {
    const isFree = !this.#busy && this.#awaited === null && this.#retry === null;
    if (this.#closed || !this.#attached || !this.#wanted || !isFree) return;
    this.#busy = true;
    this.#offer()
      .catch((error: unknown) => {
        if (this.#closed) return;
        this.#options.logger.warn({ err: error }, 'could not offer a device what it receives');
        this.#failed();
      })
      .finally(() => {
        this.#busy = false;
        this.#next();
      });
  }

  async #offer(): Promise<void> {
    const { connection, endpointId, clock, send } = this.#options;
    this.#wanted = false;
    if (this.#outstanding) await connection.rollback();
    this.#outstanding = true;
    const sdpOffer = await connection.offer();
    if (this.#closed) return;
    if (!this.#attached) {
      this.#wanted = true;
      return;
    }
    // From the clock, so that it rises over a restart of the gateway too, which the device outlives.
    this.#revision = Math.max(this.#revision + 1, clock.now());
    const timer = clock.after(this.#delay(this.#answerTimeoutMs), () => this.#unanswered());
    this.#awaited = { sections: countSections(sdpOffer), timer };
    const streamMetadata = subscribedMetadata(sdpOffer);
    send({ sdpOffer, sdpRevision: this.#revision, endpointId, streamMetadata });
  }

  #unanswered(): void {
    this.#options.logger.info({ revision: this.#revision }, 'a device did not answer an offer');
    this.#awaited = null;
    this.#failures += 1;
    this.#wanted = true;
    this.#next();
  }

  #failed(): void {
    this.#wanted = true;
    this.#retry = this.#options.clock.after(this.#delay(firstRetryMs), () => {
      this.#retry = null;
      this.#next();
    });
    this.#failures += 1;
  }

  #delay(firstMs: number): number {
    return Math.min(this.#maxDelayMs, firstMs * 2 ** this.#failures);
  }
}
