import { describe, expect, it } from 'vitest';
import { Tone } from '../media/worker/sound/tone.js';
import { HeardAudio } from './heard-audio.js';

/** A second of tone in packets of 20 ms, with their timestamps from `start`. */
function packets(hz: number, start = 0): { pcm: Int16Array; timestamp: number }[] {
  const tone = new Tone(hz);
  return Array.from({ length: 50 }, (_, n) => ({
    pcm: tone.fill(new Int16Array(160)).slice(),
    timestamp: (start + n * 160) >>> 0,
  }));
}

function heard(keepSeconds = 2) {
  const clock = { nowMs: 0 };
  return { clock, audio: new HeardAudio(keepSeconds, () => clock.nowMs) };
}

describe('HeardAudio', () => {
  it('tells frequency and level of what came last', () => {
    const { audio } = heard();
    for (const { pcm, timestamp } of packets(700)) audio.write(pcm, timestamp, 1);
    expect(audio.dominantFrequencyHz(500)).toBeCloseTo(700, 0);
    expect(audio.levelDbfs(500)).toBeCloseTo(-12.2, 0);
    expect(audio.hears(700)).toBe(true);
    expect(audio.hears(1_200)).toBe(false);
    expect(audio.durationMs).toBe(1_000);
  });

  it('puts late packets where they belong, also across the wrap of the timestamp', () => {
    const straight = heard().audio;
    const shuffled = heard().audio;
    const all = packets(700, 2 ** 32 - 3_000);
    for (const { pcm, timestamp } of all) straight.write(pcm, timestamp, 1);
    for (let at = 0; at < all.length; at += 2) {
      for (const packet of [all[at + 1], all[at]])
        if (packet) shuffled.write(packet.pcm, packet.timestamp, 1);
    }
    // The very first came before there was a time line.
    expect(shuffled.recording().slice(-7_600)).toEqual(straight.recording().slice(-7_600));
  });

  it('hears silence where packets are lost, and does not count twice what came twice', () => {
    const { audio } = heard();
    const all = packets(700);
    for (const { pcm, timestamp } of [...all.slice(0, 10), ...all.slice(20), all[49]!])
      audio.write(pcm, timestamp, 1);
    expect(audio.recording().length).toBe(8_000);
    expect(
      audio
        .recording()
        .slice(1_600, 3_200)
        .every((sample) => sample === 0),
    ).toBe(true);
  });

  it('joins another source, or a jump of its clock, without a gap', () => {
    const { audio } = heard(10);
    for (const { pcm, timestamp } of packets(700)) audio.write(pcm, timestamp, 1);
    for (const { pcm, timestamp } of packets(700, 3_000_000)) audio.write(pcm, timestamp, 1);
    for (const { pcm, timestamp } of packets(700, 5)) audio.write(pcm, timestamp, 2);
    expect(audio.durationMs).toBe(3_000);
  });

  it('hears silence once nothing comes any more', () => {
    const { audio, clock } = heard();
    for (const { pcm, timestamp } of packets(700)) audio.write(pcm, timestamp, 1);
    clock.nowMs = 160;
    expect(audio.levelDbfs(100)).toBe(-Infinity);
    expect(audio.hears(700, 200)).toBe(true);
    clock.nowMs = 10_000;
    expect(audio.dominantFrequencyHz(1_000)).toBeNull();
    expect(audio.window(1_000).length).toBe(8_000);
  });

  it('keeps no more than it is told to', () => {
    const { audio } = heard(0.5);
    for (const { pcm, timestamp } of packets(700)) audio.write(pcm, timestamp, 1);
    expect(audio.recording().length).toBe(4_000);
    expect(heard().audio.recording().length).toBe(0);
    expect(heard().audio.levelDbfs()).toBe(-Infinity);
  });
});
