/** ITU-T G.711: μ-law (PCMU) and A-law (PCMA) against 16-bit linear samples, by table both ways. */

import type { G711Law } from '../../../sdp/phone-codecs.js';

export type { G711Law };

export interface G711Codec {
  readonly name: G711Law;
  /** The octet that decodes to silence. */
  readonly silence: number;
  /** Decodes `length` octets of `payload` from `offset`, as far as `into` has room; returns the number of samples. */
  decode(payload: Uint8Array, offset: number, length: number, into: Int16Array): number;
  /** Encodes `length` samples (default all) to one octet each at `offset` of `into`; returns the number of octets. */
  encode(pcm: Int16Array, into: Uint8Array, offset?: number, length?: number): number;
}

function muLawToLinear(octet: number): number {
  const code = ~octet & 0xff;
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84;
  return code & 0x80 ? -magnitude : magnitude;
}

function aLawToLinear(octet: number): number {
  const code = octet ^ 0x55;
  const exponent = (code & 0x70) >> 4;
  const mantissa = (code & 0x0f) << 4;
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1);
  return code & 0x80 ? magnitude : -magnitude;
}

function linearToMuLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), 32635) + 0x84;
  const exponent = 24 - Math.clz32(magnitude);
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}

function linearToALaw(sample: number): number {
  // Negative values are one's complement so that -1…-16 lie in the first negative interval (G.711 table 1a, note 2).
  const sign = sample < 0 ? 0 : 0x80;
  const magnitude = sample < 0 ? ~sample : sample;
  const exponent = magnitude < 256 ? 0 : 24 - Math.clz32(magnitude);
  const mantissa = (exponent === 0 ? magnitude >> 4 : magnitude >> (exponent + 3)) & 0x0f;
  return (sign | (exponent << 4) | mantissa) ^ 0x55;
}

function createG711(
  name: G711Law,
  toLinear: (octet: number) => number,
  fromLinear: (sample: number) => number,
): G711Codec {
  const linear = Int16Array.from({ length: 256 }, (_, octet) => toLinear(octet));
  const octets = Uint8Array.from({ length: 65536 }, (_, index) => fromLinear((index << 16) >> 16));
  return {
    name,
    silence: fromLinear(0),
    decode(payload, offset, length, into) {
      const count = Math.min(length, into.length);
      for (let i = 0; i < count; i++) into[i] = linear[payload[offset + i]!]!;
      return count;
    },
    encode(pcm, into, offset = 0, length = pcm.length) {
      for (let i = 0; i < length; i++) into[offset + i] = octets[pcm[i]! & 0xffff]!;
      return length;
    },
  };
}

export const pcmu: G711Codec = createG711('PCMU', muLawToLinear, linearToMuLaw);
export const pcma: G711Codec = createG711('PCMA', aLawToLinear, linearToALaw);

export function g711(name: G711Law): G711Codec {
  return name === 'PCMU' ? pcmu : pcma;
}
