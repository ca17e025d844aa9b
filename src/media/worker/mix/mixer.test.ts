import { describe, expect, it } from 'vitest';
import { levelAt } from '../sound/dominant-frequency.js';
import { Tone } from '../sound/tone.js';
import { Mixer } from './mixer.js';

/** Runs frames of tones through a mixer; `amplitudeAt` gives the peak of each frame's tones. */
function mixed(frames: number, frequenciesHz: number[], amplitudeAt: (frame: number) => number): Int16Array {
  const mixer = new Mixer();
  const tones = frequenciesHz.map((hz) => new Tone(hz, 8000, 32_000));
  const frame = new Int16Array(160);
  const out = new Int16Array(frames * 160);
  for (let n = 0; n < frames; n++) {
    mixer.clear();
    for (const tone of tones) {
      tone.fill(frame);
      // A tone louder than 16 bits can say is several in phase.
      for (let left = amplitudeAt(n); left > 0; left -= 32_000) {
        mixer.add(frame.map((sample) => Math.round((sample * Math.min(left, 32_000)) / 32_000)));
      }
    }
    mixer.limit(out.subarray(n * 160, (n + 1) * 160));
  }
  return out;
}

describe('Mixer', () => {
  it('passes a sum that fits on bit by bit', () => {
    const mixer = new Mixer(3);
    mixer.clear();
    mixer.add(Int16Array.of(100, -200, 30_000));
    mixer.add(Int16Array.of(1, 2, 3));
    const out = new Int16Array(3);
    mixer.limit(out);
    expect([...out]).toEqual([101, -198, 30_003]);
  });

  it('never wraps, however loud and many', () => {
    const mixer = new Mixer(4);
    const out = new Int16Array(4);
    for (let n = 0; n < 3; n++) {
      mixer.clear();
      for (let i = 0; i < 20; i++) mixer.add(Int16Array.of(32_767, -32_768, 32_767, -32_768));
      mixer.limit(out);
      out.forEach((sample, i) => expect(Math.sign(sample)).toBe(i % 2 ? -1 : 1));
      expect(Math.abs(out[3]!)).toBeGreaterThan(25_000);
    }
  });

  it('turns a loud mix down without distorting it', () => {
    const pcm = mixed(100, [500, 770], () => 30_000).subarray(8000);
    expect(Math.abs(levelAt(pcm, 8000, 500) - levelAt(pcm, 8000, 770))).toBeLessThan(1);
    // Third-order products, which a clipped mix would have at about -25 dB.
    for (const hz of [230, 1040, 1500]) expect(levelAt(pcm, 8000, hz)).toBeLessThan(-40);
  });

  it('does not click when it turns down or comes back', () => {
    const pcm = mixed(200, [400], (frame) => (frame >= 40 && frame < 80 ? 3 * 32_000 : 8000));
    // 400 Hz at full scale moves by at most 2π·400/8000·32767 ≈ 10 300 per sample; a click is a larger step.
    for (let i = 1; i < pcm.length; i++) expect(Math.abs(pcm[i]! - pcm[i - 1]!)).toBeLessThan(12_500);
    const after = pcm.subarray(170 * 160);
    expect(levelAt(after, 8000, 400)).toBeCloseTo(20 * Math.log10(8000 / 32768), 0);
  });
});
