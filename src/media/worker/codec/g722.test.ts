import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { dominantFrequencyHz, levelAt } from '../sound/dominant-frequency.js';
import { Tone } from '../sound/tone.js';
import { G722Decoder, G722Encoder } from './g722.js';

const rateHz = 16_000;

function encoded(pcm: Int16Array, frameSamples = 320): Uint8Array {
  const encoder = new G722Encoder();
  const octets = new Uint8Array(pcm.length / 2);
  for (let at = 0; at < pcm.length; at += frameSamples)
    encoder.encode(pcm.subarray(at, at + frameSamples), octets, at / 2);
  return octets;
}

function decoded(octets: Uint8Array, to: 8000 | 16_000 = rateHz, packetOctets = 160): Int16Array {
  const decoder = new G722Decoder(to);
  const perOctet = to / 8000;
  const pcm = new Int16Array(octets.length * perOctet);
  for (let at = 0; at < octets.length; at += packetOctets)
    decoder.decode(octets.subarray(at), Math.min(packetOctets, octets.length - at), pcm, at * perOctet);
  return pcm;
}

/** A second of a triangle that rises in pitch, with noise, without a rounding that could differ. */
function rising(): Int16Array {
  const pcm = new Int16Array(rateHz);
  let seed = 1;
  let phase = 0;
  for (let i = 0; i < pcm.length; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    phase = (phase + 200 + (i >> 4)) & 0xffff;
    pcm[i] = Math.abs(phase - 32768) - 16384 + ((seed >>> 16) % 8192) - 4096;
  }
  return pcm;
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

describe('G.722', () => {
  it('is to the bit what other makers’ codecs make of the same sound, both ways', () => {
    const octets = encoded(rising());
    expect(sha256(octets)).toBe('1d2aeec1d5036739fb35faa7c4bbcb13a22209c80f09c62d591a8b2ed4ca16c3');
    const pcm = decoded(octets);
    expect(sha256(new Uint8Array(pcm.buffer))).toBe(
      '8c73a6e704edf419953393b2344510f2b37128a265aeead74bfd9954a8cae55c',
    );
  });

  it('is the same in packets of any length', () => {
    const pcm = rising();
    expect(encoded(pcm, 160)).toEqual(encoded(pcm));
    expect(encoded(pcm, 3200)).toEqual(encoded(pcm));
    const octets = encoded(pcm);
    expect(decoded(octets, rateHz, 7)).toEqual(decoded(octets));
    expect(decoded(octets, rateHz, 1440)).toEqual(decoded(octets));
  });

  it.each([300, 1000, 3000, 6500])('carries %i Hz at its level', (hz) => {
    const pcm = new Tone(hz, rateHz, 8000).fill(new Int16Array(rateHz));
    const heard = decoded(encoded(pcm)).subarray(rateHz / 2);
    expect(dominantFrequencyHz(heard, rateHz)).toBeCloseTo(hz, -1);
    const sent = levelAt(pcm.subarray(rateHz / 2), rateHz, hz);
    expect(Math.abs(levelAt(heard, rateHz, hz) - sent)).toBeLessThan(1);
  });

  it('is a telephone’s sound at the same level where only its lower band is decoded', () => {
    const pcm = new Tone(1000, rateHz, 8000).fill(new Int16Array(rateHz));
    const heard = decoded(encoded(pcm), 8000).subarray(4000);
    expect(dominantFrequencyHz(heard, 8000)).toBeCloseTo(1000, -1);
    expect(Math.abs(levelAt(heard, 8000, 1000) - levelAt(pcm, rateHz, 1000))).toBeLessThan(1);
  });

  it('survives every octet, full scale, and room for less', () => {
    const noise = Uint8Array.from({ length: 65_536 }, (_, i) => (i * 7919) >> 3);
    const pcm = decoded(noise);
    expect(pcm.every((sample) => sample >= -32_768 && sample <= 32_767)).toBe(true);
    const square = Int16Array.from({ length: 3200 }, (_, i) => ((i >> 3) & 1 ? 32_767 : -32_768));
    expect(decoded(encoded(square))).toHaveLength(3200);
    const small = new Int16Array(100);
    expect(new G722Decoder(16_000).decode(noise, 160, small)).toBe(100);
    expect(new G722Decoder(8000).decode(noise, 160, small, 90)).toBe(10);
  });
});
