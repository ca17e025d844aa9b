/** What one phone hears in a tick, put together and encoded. */
import { isG711 } from '../../../sdp/phone-codecs.js';
import { createFrameEncoder, type FrameEncoder, type PhoneCodec } from '../codec/phone-codec.js';
import type { G711Law } from '../codec/g711.js';
import { Mixer } from '../mix/mixer.js';
import type { Mix } from '../mix/mixes.js';
import { Resampler } from '../sound/resample.js';
import { tickSamples, type SampleRate } from '../sound/sample-rate.js';

/** Sounds that are made here, all at 8 kHz; null: none. */
type Sound = Int16Array | null | undefined;

/**
 * Adds up a mix at the phone's rate and what is made here at 8 kHz, and encodes it. What it returns is valid until the next. Call
 * it once a tick.
 */
export class PhoneFrame {
  readonly #encoder: FrameEncoder;
  readonly #law: G711Law | null;
  readonly #mixer: Mixer;
  readonly #pcm: Int16Array;
  readonly #raiser: RateRaiser | null;

  constructor(codec: PhoneCodec) {
    this.#encoder = createFrameEncoder(codec);
    this.#law = isG711(codec.name) ? codec.name : null;
    this.#mixer = new Mixer(tickSamples(codec.rateHz));
    this.#pcm = new Int16Array(tickSamples(codec.rateHz));
    this.#raiser = codec.rateHz === 8000 ? null : new RateRaiser(codec.rateHz);
  }

  ofMix(mix: Mix, tick: number, sound: Sound = null, more: Sound = null): Uint8Array {
    const made = this.#made(sound, more);
    if (made === null) {
      if (this.#law !== null) return mix.payloadAt(tick, this.#law);
      return this.#encoder.encode(mix.isSilentAt(tick) ? null : mix.pcmAt(tick));
    }
    this.#mixer.clear();
    this.#mixer.add(mix.pcmAt(tick));
    this.#mixer.add(made);
    this.#mixer.limit(this.#pcm);
    return this.#encoder.encode(this.#pcm);
  }

  ofSound(sound: Sound = null, more: Sound = null): Uint8Array {
    return this.#encoder.encode(this.#made(sound, more));
  }

  /** At the phone's rate; null: silence. */
  #made(sound: Sound, more: Sound): Int16Array | null {
    const either = sound ?? more ?? null;
    const both = sound && more ? sum(sound, more) : either;
    return this.#raiser === null ? both : this.#raiser.raise(both);
  }
}

function sum(a: Int16Array, b: Int16Array): Int16Array {
  return Int16Array.from(a, (sample, i) => Math.max(-32_768, Math.min(32_767, sample + b[i]!)));
}

/** Ticks of silence after which nothing of a sound is left in the filter: it looks 5 ms back. */
const ringingTicks = 1;
const silence = new Int16Array(tickSamples(8000));

/** Frames of 8 kHz as frames of a higher rate, a little later. */
class RateRaiser {
  readonly #resampler: Resampler;
  readonly #input = new Float32Array(tickSamples(8000));
  readonly #output: Int16Array;
  #silentTicks = ringingTicks;

  constructor(rateHz: SampleRate) {
    this.#resampler = new Resampler(8000, rateHz);
    this.#output = new Int16Array(tickSamples(rateHz));
  }

  /** Null for silence, and the same back where nothing rings on. Valid until the next. */
  raise(frame: Int16Array | null): Int16Array | null {
    this.#silentTicks = frame === null ? this.#silentTicks + 1 : 0;
    if (this.#silentTicks > ringingTicks) return null;
    this.#input.set(frame ?? silence);
    const output = this.#output;
    const made = this.#resampler.push(this.#input, this.#input.length, output, 0);
    // At first the filter keeps back what it looks ahead: all comes so much later.
    const kept = output.length - made;
    if (kept > 0) {
      output.copyWithin(kept, 0, made);
      output.fill(0, 0, kept);
    }
    return output;
  }
}
