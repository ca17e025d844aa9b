import { Encoder } from '@evan/opus';
import { describe, expect, it } from 'vitest';
import { dominantFrequencyHz, overallLevel } from '../sound/dominant-frequency.js';
import { Tone } from '../sound/tone.js';
import { OpusDecoder, opusSamples } from './opus.js';

function encoded(frequencyHz: number, packets: number, channels: 1 | 2 = 1): Uint8Array[] {
  const encoder = new Encoder({ channels, sample_rate: 48000, application: 'voip' });
  const tone = new Tone(frequencyHz, 48000);
  const mono = new Int16Array(960);
  return Array.from({ length: packets }, () => {
    tone.fill(mono);
    const pcm = Int16Array.from({ length: 960 * channels }, (_, i) => mono[Math.floor(i / channels)]!);
    return Uint8Array.from(encoder.encode(pcm));
  });
}

describe('Opus', () => {
  it.each([1, 2] as const)('decodes %i channels to 8 kHz mono', (channels) => {
    const decoder = new OpusDecoder();
    const pcm = new Int16Array(50 * 160);
    encoded(440, 50, channels).forEach((packet, i) => {
      // From the middle of a buffer, as it comes out of an RTP packet.
      const buffer = Buffer.concat([Buffer.alloc(12), packet, Buffer.alloc(3)]);
      expect(opusSamples(buffer, 12, packet.length)).toBe(160);
      expect(decoder.decode(buffer.subarray(12, 12 + packet.length), pcm, i * 160)).toBe(160);
    });
    expect(dominantFrequencyHz(pcm, 8000)).toBeCloseTo(440, 0);
  });

  it('conceals a lost packet with sound, and many with silence', () => {
    const decoder = new OpusDecoder();
    const pcm = new Int16Array(160);
    expect(decoder.conceal(pcm)).toBe(0);
    for (const packet of encoded(440, 10)) decoder.decode(packet, pcm);
    expect(decoder.conceal(pcm)).toBe(160);
    expect(overallLevel(pcm)).toBeGreaterThan(-20);
    for (let i = 0; i < 30; i++) decoder.conceal(pcm);
    expect(overallLevel(pcm)).toBeLessThan(-35);
  });

  it.each([
    ['nothing', []],
    ['a count of frames that is missing', [0x03]],
    ['more than 120 ms', [0x1b, 0x3f]],
    ['no frames', [0x03, 0x00]],
  ])('takes %s for malformed', (_what, octets) => {
    expect(opusSamples(Uint8Array.from(octets), 0, octets.length)).toBe(0);
    expect(new OpusDecoder().decode(Uint8Array.from(octets), new Int16Array(960))).toBe(0);
  });

  it('survives what only looks like Opus', () => {
    expect(new OpusDecoder().decode(Uint8Array.of(0xff, 0x41, 0xff), new Int16Array(960))).toBe(0);
  });
});
