/** What a softphone says: frames of audio, one after the other. */
import { Tone } from '../media/worker/sound/tone.js';

/** What the phone says, at 8 kHz. */
export type AudioSource =
  | { readonly kind: 'silence' }
  /** A sine; `amplitude` is its peak, default 8,000 of 32,767: about −12 dBFS. */
  | { readonly kind: 'tone'; readonly frequencyHz: number; readonly amplitude?: number }
  /** Mono samples, once or over and over (default once, then silence). */
  | { readonly kind: 'sound'; readonly pcm: Int16Array; readonly repeat?: boolean }
  /** What it hears. */
  | { readonly kind: 'echo' };

/** Gives the samples of a source block by block. */
export interface AudioFeed {
  /** Fills the whole block. */
  fill(block: Int16Array): void;
  /** What was heard; only an echo cares. */
  hear(pcm: Int16Array): void;
}

export function createAudioFeed(source: AudioSource): AudioFeed {
  switch (source.kind) {
    case 'silence':
      return { fill: (block) => void block.fill(0), hear: () => {} };
    case 'tone': {
      const tone = new Tone(source.frequencyHz, 8_000, source.amplitude);
      return { fill: (block) => void tone.fill(block), hear: () => {} };
    }
    case 'sound':
      return new SoundFeed(source.pcm, source.repeat ?? false);
    case 'echo':
      return new EchoFeed();
  }
}

class SoundFeed implements AudioFeed {
  readonly #pcm: Int16Array;
  readonly #repeat: boolean;
  #at = 0;

  constructor(pcm: Int16Array, repeat: boolean) {
    this.#pcm = pcm;
    this.#repeat = repeat && pcm.length > 0;
  }

  fill(block: Int16Array): void {
    let filled = 0;
    while (filled < block.length) {
      if (this.#at === this.#pcm.length) {
        if (!this.#repeat) break;
        this.#at = 0;
      }
      const piece = this.#pcm.subarray(this.#at, this.#at + block.length - filled);
      block.set(piece, filled);
      filled += piece.length;
      this.#at += piece.length;
    }
    block.fill(0, filled);
  }

  hear(): void {}
}

/** Never more than 200 ms behind: an echo that falls back further is no test of the way any more. */
const echoCapacity = 1_600;

class EchoFeed implements AudioFeed {
  #waiting = new Int16Array(0);

  fill(block: Int16Array): void {
    const piece = this.#waiting.subarray(0, block.length);
    block.set(piece);
    block.fill(0, piece.length);
    this.#waiting = this.#waiting.slice(piece.length);
  }

  hear(pcm: Int16Array): void {
    const joined = new Int16Array(this.#waiting.length + pcm.length);
    joined.set(this.#waiting);
    joined.set(pcm, this.#waiting.length);
    this.#waiting = joined.slice(Math.max(0, joined.length - echoCapacity));
  }
}
