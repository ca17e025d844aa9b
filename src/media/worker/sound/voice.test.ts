import { describe, expect, it } from 'vitest';
import { levelAt } from './dominant-frequency.js';
import { PcmVoice, ToneVoice, type Voice } from './voice.js';

function play(voice: Voice): Int16Array {
  const frames: number[] = [];
  for (let goesOn = true; goesOn;) {
    const frame = new Int16Array(160).fill(99);
    goesOn = voice.next(frame);
    frames.push(...frame);
  }
  return Int16Array.from(frames);
}

const tone = (frequenciesHz: number[], durationMs: number, levelDb = -6) =>
  ({ kind: 'tone', frequenciesHz, durationMs, levelDb }) as const;

describe('a sound as it is played', () => {
  const pcm = Int16Array.from({ length: 250 }, (_, i) => i + 1);

  it('follows on itself without a gap, and ends in silence', () => {
    const heard = play(new PcmVoice(pcm, 3));
    expect([...heard.subarray(0, 750)]).toEqual([...pcm, ...pcm, ...pcm]);
    expect(heard).toHaveLength(800);
    expect(heard.subarray(750).every((sample) => sample === 0)).toBe(true);
  });

  it('ends with the frame that it fills', () => {
    expect(play(new PcmVoice(new Int16Array(320), 1))).toHaveLength(320);
  });

  it('goes on for ever where no number is given', () => {
    const voice = new PcmVoice(Int16Array.of(1, 2, 3), null);
    const frame = new Int16Array(160);
    for (let n = 0; n < 100; n++) expect(voice.next(frame)).toBe(true);
    expect([...frame.subarray(0, 3)].sort()).toEqual([1, 2, 3]);
  });

  it('is a tone of one frequency or two, together no louder than asked', () => {
    const heard = play(new ToneVoice(tone([440, 1000], 500), 1, 1000));
    expect(heard).toHaveLength(4000);
    expect(Math.abs(levelAt(heard, 8000, 440) - levelAt(heard, 8000, 1000))).toBeLessThan(0.5);
    expect(Math.max(...heard)).toBeLessThanOrEqual(32_767 / 2);
    expect(Math.max(...heard)).toBeGreaterThan(15_000);
  });

  it('is a tone that comes and goes softly, each time', () => {
    const heard = play(new ToneVoice(tone([3000], 100, 0), 2, 1000));
    for (const edge of [0, 796, 800, 1596]) {
      for (const sample of heard.subarray(edge, edge + 4)) expect(Math.abs(sample)).toBeLessThan(400);
    }
  });

  it.each([
    ['no frequency', tone([], 100)],
    ['three frequencies', tone([1, 2, 3], 100)],
    ['what no telephone carries', tone([4000], 100)],
    ['nothing of a second', tone([400], 0)],
    ['not a number', tone([400], NaN)],
    ['too long', tone([400], 1001)],
    ['too loud', tone([400], 100, 1)],
  ])('is refused as a tone of %s', (_, sound) => {
    expect(() => new ToneVoice(sound, 1, 1000)).toThrow(
      expect.objectContaining({ code: 'bad-sound' }) as Error,
    );
  });
});
