/** Between the media worker’s leg and its owner, while and after the leg is made. */
import type {
  MediaEndReason,
  MediaLegListener,
  MediaStreamInfo,
  PlaybackEnd,
} from '../../domain/media-plane.js';
import type { MediaLogger } from '../media-logger.js';

/**
 * Stands between the media worker's leg and the leg's owner: keeps what comes before the owner has the leg in hand, and tells
 * the end once.
 */
export class LegEvents implements MediaLegListener {
  readonly #legId: string;
  readonly #owner: MediaLegListener;
  readonly #logger: MediaLogger;
  #early: ((owner: MediaLegListener) => void)[] | null = [];
  #isOver = false;
  #workerEnded: MediaEndReason | null = null;
  #onWorkerEnded: ((reason: MediaEndReason) => void) | null = null;

  constructor(legId: string, owner: MediaLegListener, logger: MediaLogger) {
    this.#legId = legId;
    this.#owner = owner;
    this.#logger = logger;
  }

  /** The leg is about to be given to its owner: what was kept is told in the next turn, and the rest as it comes. */
  begin(): void {
    setImmediate(() => {
      const early = this.#early ?? [];
      this.#early = null;
      for (const tell of early) this.#call(tell);
    });
  }

  /** Calls back when the worker has ended its leg, or did so already. */
  onWorkerEnded(listener: (reason: MediaEndReason) => void): void {
    this.#onWorkerEnded = listener;
    const reason = this.#workerEnded;
    if (reason !== null) queueMicrotask(() => listener(reason));
  }

  /** The leg has ended by itself. */
  end(reason: MediaEndReason): void {
    this.#tell((owner) => {
      this.#isOver = true;
      owner.onEnded(reason);
    });
  }

  /** Nothing more is told. */
  mute(): void {
    this.#isOver = true;
  }

  onConnected(): void {
    this.#tell((owner) => owner.onConnected());
  }

  onStreams(streams: readonly MediaStreamInfo[]): void {
    this.#tell((owner) => owner.onStreams(streams));
  }

  onKeyDown(): void {
    this.#tell((owner) => owner.onKeyDown());
  }

  onDtmf(digit: string, durationMs: number): void {
    this.#tell((owner) => owner.onDtmf(digit, durationMs));
  }

  onPlayed(playbackId: string, how: PlaybackEnd): void {
    this.#tell((owner) => owner.onPlayed(playbackId, how));
  }

  onHeld(held: boolean): void {
    this.#tell((owner) => owner.onHeld(held));
  }

  onNegotiationNeeded(connection: string): void {
    this.#tell((owner) => owner.onNegotiationNeeded(connection));
  }

  onEnded(reason: MediaEndReason): void {
    this.#workerEnded = reason;
    this.#onWorkerEnded?.(reason);
  }

  #tell(tell: (owner: MediaLegListener) => void): void {
    if (this.#early !== null) this.#early.push(tell);
    else this.#call(tell);
  }

  #call(tell: (owner: MediaLegListener) => void): void {
    if (this.#isOver) return;
    try {
      tell(this.#owner);
    } catch (error) {
      this.#logger.error({ legId: this.#legId, error: String(error) }, 'a media listener threw');
    }
  }
}
