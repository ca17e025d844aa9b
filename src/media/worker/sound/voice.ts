/** Sounds as they are played, frame by frame: samples and tones. */
import type { ToneSound } from './playback.js';
import { WorkerRefusal } from '../worker-refusal.js';

const sampleRateHz = 8000;
/** A tone comes and goes over 8 ms: shorter is a click, longer is heard as softness. */
const rampSamples = 64;

/** A sound as it is played, frame by frame. */
export interface Voice {
  /** Fills `into` with the next samples; false where they are the last, silence after them included. */
  next(into: Int16Array): boolean;
}

/** Plays samples so many times without a gap; null: for ever. */
export class PcmVoice implements Voice {
  #position = 0;
  #left: number;

  /** @param pcm At least one sample at 8 kHz. */
  constructor(
    private readonly pcm: Int16Array,
    times: number | null,
  ) {
    this.#left = times ?? Infinity;
  }

  next(into: Int16Array): boolean {
    const { pcm } = this;
    for (let at = 0; at < into.length;) {
      if (this.#left === 0) {
        into.fill(0, at);
        break;
      }
      const count = Math.min(into.length - at, pcm.length - this.#position);
      into.set(pcm.subarray(this.#position, this.#position + count), at);
      at += count;
      this.#position += count;
      if (this.#position < pcm.length) continue;
      this.#position = 0;
      this.#left--;
    }
    return this.#left > 0;
  }
}

/** Plays one frequency or two together, so many times one after the other; null: for ever. Begins and ends softly. */
export class ToneVoice implements Voice {
  readonly #samples: number;
  readonly #ramp: number;
  readonly #stepsRad: readonly number[];
  readonly #amplitude: number;
  #position = 0;
  #left: number;

  /** Throws WorkerRefusal where it is no tone, or longer than `maxMs`. */
  constructor({ frequenciesHz, durationMs, levelDb }: ToneSound, times: number | null, maxMs: number) {
    const count = frequenciesHz.length;
    if (count < 1 || count > 2 || !frequenciesHz.every((hz) => hz > 0 && hz < sampleRateHz / 2))
      throw new WorkerRefusal('bad-sound', 'a tone has one or two frequencies below 4000 Hz');
    if (!(durationMs >= 1 && durationMs <= maxMs))
      throw new WorkerRefusal('bad-sound', `a tone lasts from 1 to ${maxMs} ms`);
    if (!(levelDb <= 0)) throw new WorkerRefusal('bad-sound', 'a tone has a level of at most 0 dB');
    this.#samples = Math.round((durationMs * sampleRateHz) / 1000);
    this.#ramp = Math.min(rampSamples, this.#samples / 2);
    this.#stepsRad = frequenciesHz.map((hz) => (2 * Math.PI * hz) / sampleRateHz);
    this.#amplitude = (32_767 * 10 ** (levelDb / 20)) / count;
    this.#left = times ?? Infinity;
  }

  next(into: Int16Array): boolean {
    for (let at = 0; at < into.length; at++) {
      if (this.#left === 0) {
        into.fill(0, at);
        break;
      }
      into[at] = this.#sample();
      if (++this.#position < this.#samples) continue;
      this.#position = 0;
      this.#left--;
    }
    return this.#left > 0;
  }

  #sample(): number {
    const edge = Math.min(this.#position, this.#samples - this.#position) / this.#ramp;
    const gain = edge < 1 ? 0.5 - 0.5 * Math.cos(Math.PI * edge) : 1;
    let sum = 0;
    for (const step of this.#stepsRad) sum += Math.sin(step * this.#position);
    return Math.round(this.#amplitude * gain * sum);
  }
}
