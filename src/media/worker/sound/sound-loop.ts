/** A sound without end. */
import { g711, type G711Law } from '../codec/g711.js';
import { frameSamples } from '../mix/pcm-source.js';

/** A sound that is heard over and over without a seam, ready to send. */
export class SoundLoop {
  /** In samples. */
  readonly length: number;
  readonly #pcm: Int16Array;
  readonly #payloads = new Map<G711Law, Uint8Array>();

  /** @param pcm Mono at 8 kHz, at least one sample. */
  constructor(pcm: Int16Array) {
    this.#pcm = pcm;
    this.length = pcm.length;
  }

  /** The 20 ms from `position`, which is below `length`; the beginning follows the end. */
  frame(law: G711Law, position: number): Uint8Array {
    let payload = this.#payloads.get(law);
    if (payload === undefined) {
      payload = new Uint8Array(this.length + frameSamples);
      g711(law).encode(this.#pcm, payload);
      for (let at = this.length; at < payload.length; at++) payload[at] = payload[at - this.length]!;
      this.#payloads.set(law, payload);
    }
    return payload.subarray(position, position + frameSamples);
  }
}
