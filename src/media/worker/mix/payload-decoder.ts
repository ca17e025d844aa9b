/** From payloads to samples, for every codec that is mixed. */
import type { Codec } from '../codec/codec.js';
import { g711 } from '../codec/g711.js';
import { G722Decoder } from '../codec/g722.js';
import { OpusDecoder, opusSamples } from '../codec/opus.js';
import { Resampler } from '../sound/resample.js';
import type { SampleRate } from '../sound/sample-rate.js';

/** Decodes one source's payloads to mono at one rate. */
export interface PayloadDecoder {
  /** Samples that a payload holds; 0 when it is malformed. */
  samplesOf(payload: Uint8Array, offset: number, length: number): number;
  /** Decodes a payload to `into` from `at`; returns the number of samples. */
  decode(payload: Uint8Array, length: number, into: Int16Array, at: number): number;
  /** Writes one lost packet's worth by the codec's own means; 0 when it has none. */
  conceal(into: Int16Array, at: number): number;
}

/** 182 ms: what fits into an Ethernet packet. */
const maxOctets = 1460;

/** A decoder for a track's codec, or null when the codec cannot be decoded here. */
export function createPayloadDecoder(codec: Codec, rateHz: SampleRate): PayloadDecoder | null {
  switch (codec.name) {
    case 'PCMU':
    case 'PCMA': {
      const law = g711(codec.name);
      const decoder: PayloadDecoder = {
        samplesOf: (_payload, _offset, length) => (length > maxOctets ? 0 : length),
        decode: (payload, length, into, at) =>
          law.decode(payload, 0, length, at === 0 ? into : into.subarray(at)),
        conceal: () => 0,
      };
      return rateHz === 8000 ? decoder : new ResampledDecoder(decoder, 8000, rateHz);
    }
    case 'G722': {
      if (rateHz !== 48_000) return g722Decoder(rateHz);
      return new ResampledDecoder(g722Decoder(16_000), 16_000, rateHz);
    }
    case 'opus': {
      const opus = new OpusDecoder(rateHz);
      return {
        samplesOf: (payload, offset, length) => opusSamples(payload, offset, length, rateHz),
        decode: (payload, length, into, at) => opus.decode(payload.subarray(0, length), into, at),
        conceal: (into, at) => opus.conceal(into, at),
      };
    }
    default:
      return null;
  }
}

function g722Decoder(rateHz: 8000 | 16_000): PayloadDecoder {
  const g722 = new G722Decoder(rateHz);
  const samplesPerOctet = rateHz / 8000;
  return {
    samplesOf: (_payload, _offset, length) => (length > maxOctets ? 0 : length * samplesPerOctet),
    decode: (payload, length, into, at) => g722.decode(payload, length, into, at),
    conceal: () => 0,
  };
}

/** What is decoded at a lower rate than it is mixed at. */
class ResampledDecoder implements PayloadDecoder {
  readonly #decoder: PayloadDecoder;
  readonly #factor: number;
  readonly #resampler: Resampler;
  readonly #decoded: Int16Array;
  readonly #input: Float32Array;

  constructor(decoder: PayloadDecoder, fromHz: SampleRate, toHz: SampleRate) {
    this.#decoder = decoder;
    this.#factor = toHz / fromHz;
    this.#resampler = new Resampler(fromHz, toHz);
    this.#decoded = new Int16Array((maxOctets * fromHz) / 8000);
    this.#input = new Float32Array(this.#decoded.length);
  }

  samplesOf(payload: Uint8Array, offset: number, length: number): number {
    return this.#decoder.samplesOf(payload, offset, length) * this.#factor;
  }

  decode(payload: Uint8Array, length: number, into: Int16Array, at: number): number {
    const count = this.#decoder.decode(payload, length, this.#decoded, 0);
    for (let i = 0; i < count; i++) this.#input[i] = this.#decoded[i]!;
    return this.#resampler.push(this.#input, count, into, at);
  }

  conceal(): number {
    return 0;
  }
}
