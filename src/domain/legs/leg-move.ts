/**
 * The move of a leg whose media was lost with its worker: it gets media in another worker, and its far end a new offer.
 *
 *   still ──lost──► reopening ──opened──► offered ──agreed──► still
 *                       └───── no worker, no agreement in time, or the leg's end ─────► closed
 */
import type { Clock, Timer } from '../clock.js';
import { MediaRefusal, type LegOpening } from '../media-plane.js';
import { Refusal } from '../refusal.js';
import type { LegMedia } from './leg-media.js';

export interface MoveLimits {
  /** A leg that has not agreed with its far end by then has lost its media for good. Default 10,000. */
  readonly moveTimeoutMs?: number | undefined;
  /** A leg that moves more often ends: what it is sent may be why its workers die. Default 3. */
  readonly maxMovesPerMinute?: number | undefined;
}

export interface LegMoveOptions extends MoveLimits {
  readonly clock: Clock;
  /** Throws MediaRefusal or Refusal, `overloaded` where no worker is there yet. */
  readonly open: (opening: LegOpening) => Promise<LegMedia>;
  /** The leg's media from now on: the far end is to be offered it. */
  readonly onOpened: (media: LegMedia) => void;
  /** The far end has agreed. */
  readonly onMoved: () => void;
  /** It does not come to be: the leg's media is lost. */
  readonly onFailed: () => void;
}

/** A worker that died is replaced within a second. */
const retryMs = 200;
const minuteMs = 60_000;

export class LegMove {
  readonly #options: LegMoveOptions;
  readonly #timeoutMs: number;
  readonly #maxPerMinute: number;
  #state: 'still' | 'reopening' | 'offered' | 'closed' = 'still';
  /** When the leg was moved in the last minute. */
  #movedAt: readonly number[] = [];
  #timeout: Timer | null = null;
  #retry: Timer | null = null;

  constructor(options: LegMoveOptions) {
    this.#options = options;
    this.#timeoutMs = options.moveTimeoutMs ?? 10_000;
    this.#maxPerMinute = options.maxMovesPerMinute ?? 3;
  }

  /** The media in use is lost: begins to move it. False where it cannot be, or has been too often. */
  begin(opening: LegOpening | null): boolean {
    const { clock } = this.#options;
    const now = clock.now();
    this.#movedAt = this.#movedAt.filter((at) => now - at < minuteMs);
    if (this.#state === 'closed' || opening === null || this.#movedAt.length >= this.#maxPerMinute)
      return false;
    this.#movedAt = [...this.#movedAt, now];
    this.#state = 'reopening';
    this.#timeout?.cancel();
    this.#timeout = clock.after(this.#timeoutMs, () => this.#fail());
    void this.#reopen(opening);
    return true;
  }

  /** The far end and the leg's media have come to an agreement. */
  agreed(): void {
    if (this.#state !== 'offered') return;
    this.#state = 'still';
    this.#timeout?.cancel();
    this.#options.onMoved();
  }

  /** The leg has other media by another way: nothing is to be moved any more. */
  overtaken(): void {
    if (this.#state === 'closed') return;
    this.#stop();
    this.#state = 'still';
  }

  /** Idempotent. */
  close(): void {
    this.#stop();
    this.#state = 'closed';
  }

  #stop(): void {
    this.#timeout?.cancel();
    this.#retry?.cancel();
  }

  get #isReopening(): boolean {
    return this.#state === 'reopening';
  }

  async #reopen(opening: LegOpening): Promise<void> {
    let media: LegMedia;
    try {
      media = await this.#options.open(opening);
    } catch (error) {
      if (!this.#isReopening) return;
      if (!isOverloaded(error)) this.#fail();
      else this.#retry = this.#options.clock.after(retryMs, () => void this.#reopen(opening));
      return;
    }
    if (!this.#isReopening) {
      await media.close();
      return;
    }
    this.#state = 'offered';
    this.#options.onOpened(media);
  }

  #fail(): void {
    if (this.#state === 'closed') return;
    this.close();
    this.#options.onFailed();
  }
}

const isOverloaded = (error: unknown): boolean =>
  (error instanceof Refusal || error instanceof MediaRefusal) && error.code === 'overloaded';
