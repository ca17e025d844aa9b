/** From payloads to samples, for every codec that is mixed. */
import type { Codec } from '../codec/codec.js';
import { g711 } from '../codec/g711.js';
import { OpusDecoder, opusSamples } from '../codec/opus.js';

/** Decodes one source's payloads to 8 kHz mono. */
export interface PayloadDecoder {
  /** Samples at 8 kHz that a payload holds; 0 when it is malformed. */
  samplesOf(payload: Uint8Array, offset: number, length: number): number;
  /** Decodes a payload to `into` from `at`; returns the number of samples. */
  decode(payload: Uint8Array, length: number, into: Int16Array, at: number): number;
  /** Writes one lost packet's worth by the codec's own means; 0 when it has none. */
  conceal(into: Int16Array, at: number): number;
}

/** 182 ms: what fits into an Ethernet packet. */
const maxSamples = 1460;

/** A decoder for a track's codec, or null when the codec cannot be decoded here. */
export function createPayloadDecoder(codec: Codec): PayloadDecoder | null {
  switch (codec.name) {
    case 'PCMU':
    case 'PCMA': {
      const law = g711(codec.name);
      return {
        samplesOf: (_payload, _offset, length) => (length > maxSamples ? 0 : length),
        decode: (payload, length, into, at) =>
          law.decode(payload, 0, length, at === 0 ? into : into.subarray(at)),
        conceal: () => 0,
      };
    }
    case 'opus': {
      const opus = new OpusDecoder();
      return {
        samplesOf: opusSamples,
        decode: (payload, length, into, at) => opus.decode(payload.subarray(0, length), into, at),
        conceal: (into, at) => opus.conceal(into, at),
      };
    }
    default:
      return null;
  }
}
