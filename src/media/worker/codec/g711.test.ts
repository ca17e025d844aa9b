import { describe, expect, it } from 'vitest';
import { g711, pcma, pcmu, type G711Codec } from './g711.js';

const decodeOne = (codec: G711Codec, octet: number): number => {
  const into = new Int16Array(1);
  codec.decode(Uint8Array.of(octet), 0, 1, into);
  return into[0]!;
};
const encodeOne = (codec: G711Codec, sample: number): number => {
  const into = new Uint8Array(1);
  codec.encode(Int16Array.of(sample), into);
  return into[0]!;
};

describe('G.711', () => {
  // G.711 tables 2a/2b: decoder output values (14 bits, here ×4).
  it.each([
    [0x00, -32124],
    [0x80, 32124],
    [0x0f, -16764],
    [0x8f, 16764],
    [0x7f, 0],
    [0xff, 0],
    [0xfe, 8],
    [0x7e, -8],
    [0xef, 132],
    [0xf0, 120],
  ])('decodes μ-law octet %i to its reference value', (octet, sample) => {
    expect(decodeOne(pcmu, octet) + 0).toBe(sample);
  });

  // G.711 tables 1a/1b: decoder output values (13 bits, here ×8).
  it.each([
    [0x2a, -32256],
    [0xaa, 32256],
    [0x55, -8],
    [0xd5, 8],
    [0xd4, 24],
    [0x54, -24],
    [0xc5, 264],
    [0x25, -16896],
  ])('decodes A-law octet %i to its reference value', (octet, sample) => {
    expect(decodeOne(pcma, octet)).toBe(sample);
  });

  it.each([
    [pcmu, 0, 0xff],
    [pcmu, 32767, 0x80],
    [pcmu, -32768, 0x00],
    [pcmu, 8, 0xfe],
    [pcma, 0, 0xd5],
    [pcma, -1, 0x55],
    [pcma, 32767, 0xaa],
    [pcma, -32768, 0x2a],
  ])('encodes the edges as the tables do', (codec, sample, octet) => {
    expect(encodeOne(codec, sample)).toBe(octet);
  });

  it.each([pcmu, pcma])('gives every octet back after decoding and encoding', (codec) => {
    for (let octet = 0; octet < 256; octet++) {
      // μ-law has two zeros, and negative zero has no linear value of its own.
      if (codec === pcmu && octet === 0x7f) continue;
      expect(encodeOne(codec, decodeOne(codec, octet))).toBe(octet);
    }
  });

  it.each([pcmu, pcma])('never errs by more than half a quantisation step', (codec) => {
    for (let sample = -32000; sample <= 32000; sample += 7) {
      const error = Math.abs(decodeOne(codec, encodeOne(codec, sample)) - sample);
      expect(error).toBeLessThanOrEqual(Math.max(8, Math.abs(sample) / 23));
    }
  });

  it('has a silence octet that decodes to (nearly) nothing', () => {
    expect(decodeOne(g711('PCMU'), pcmu.silence) + 0).toBe(0);
    expect(decodeOne(g711('PCMA'), pcma.silence)).toBe(8);
  });

  it('writes no more samples than there is room for', () => {
    expect(pcmu.decode(new Uint8Array(10), 0, 10, new Int16Array(4))).toBe(4);
  });
});
