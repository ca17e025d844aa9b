import { once, EventEmitter } from 'node:events';
import type {
  MediaEndReason,
  MediaLegListener,
  MediaStreamInfo,
  PlaybackEnd,
} from '../../src/domain/media-plane.js';
import { hangMs, within } from './wait-for.js';

/** The owner of a leg in a test: keeps what it was told, and lets the test wait for a fact. */
export class MediaOwner implements MediaLegListener {
  connected = 0;
  streams: readonly MediaStreamInfo[] = [];
  keysDown = 0;
  readonly digits: string[] = [];
  /** How long each of them was pressed. */
  readonly durationsMs: number[] = [];
  /** Each as `id how`. */
  readonly played: string[] = [];
  /** True for each hold, false for each resumption. */
  readonly holds: boolean[] = [];
  readonly ended: MediaEndReason[] = [];
  negotiationsNeeded = 0;
  readonly #facts = new EventEmitter();

  onConnected(): void {
    this.connected += 1;
    this.#facts.emit('fact');
  }
  onStreams(streams: readonly MediaStreamInfo[]): void {
    this.streams = streams;
    this.#facts.emit('fact');
  }
  onKeyDown(): void {
    this.keysDown += 1;
    this.#facts.emit('fact');
  }
  onDtmf(digit: string, durationMs: number): void {
    this.digits.push(digit);
    this.durationsMs.push(durationMs);
    this.#facts.emit('fact');
  }
  onPlayed(playbackId: string, how: PlaybackEnd): void {
    this.played.push(`${playbackId} ${how}`);
    this.#facts.emit('fact');
  }
  onHeld(held: boolean): void {
    this.holds.push(held);
    this.#facts.emit('fact');
  }
  onNegotiationNeeded(): void {
    this.negotiationsNeeded += 1;
    this.#facts.emit('fact');
  }
  onEnded(reason: MediaEndReason): void {
    this.ended.push(reason);
    this.#facts.emit('fact');
  }

  /** Resolves as soon as it is true of what was told; rejects where nothing is told for long. */
  async until(isTrue: (owner: this) => boolean): Promise<void> {
    while (!isTrue(this)) await within('a fact of the leg', once(this.#facts, 'fact'));
  }
}

/** Waits for what no fact announces, looking every few milliseconds. */
export async function eventually(isTrue: () => boolean, withinMs = hangMs): Promise<void> {
  const untilMs = performance.now() + withinMs;
  while (!isTrue()) {
    if (performance.now() > untilMs) throw new Error(`not true within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
