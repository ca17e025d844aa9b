/** A sound without end. */
import { tickSamples } from './sample-rate.js';

/** A sound that is heard over and over without a seam. */
export class SoundLoop {
  /** In samples. */
  readonly length: number;
  /** With the beginning once more behind the end. */
  readonly #pcm: Int16Array;

  /** @param pcm Mono at 8 kHz, at least one sample. */
  constructor(pcm: Int16Array) {
    this.length = pcm.length;
    this.#pcm = Int16Array.from({ length: pcm.length + tickSamples(8000) }, (_, at) => pcm[at % pcm.length]!);
  }

  /** The 20 ms from `position`, which is below `length`; the beginning follows the end. */
  frame(position: number): Int16Array {
    return this.#pcm.subarray(position, position + tickSamples(8000));
  }
}
