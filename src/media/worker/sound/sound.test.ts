import { describe, expect, it } from 'vitest';
import { dominantFrequencyHz, levelAt, overallLevel } from './dominant-frequency.js';
import { holdSound, holdSoundMs } from './hold-sound.js';
import { resample } from './resample.js';
import { Tone } from './tone.js';
import { formatWav, readWavMono } from './wav.js';
import { pcma } from '../codec/g711.js';

const second = (hz: number, rate = 8000): Int16Array => new Tone(hz, rate).fill(new Int16Array(rate));

describe('tone and ear', () => {
  it('runs on in phase from block to block', () => {
    const tone = new Tone(443);
    const joined = Int16Array.from(
      Array.from({ length: 50 }, () => [...tone.fill(new Int16Array(160))]).flat(),
    );
    second(443).forEach((sample, i) => expect(Math.abs(joined[i]! - sample)).toBeLessThanOrEqual(1));
  });

  it('finds the frequency of a second fifty times in less than a second of processor time, so that a phone that measures goes on sending', () => {
    const before = process.cpuUsage();
    for (let i = 0; i < 50; i++) dominantFrequencyHz(second(440), 8000);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1000);
  });

  it.each([180, 440, 1000.5, 3300])('hears %s Hz as the dominant frequency', (hz) => {
    expect(Math.abs(dominantFrequencyHz(second(hz), 8000)! - hz)).toBeLessThan(1);
  });

  it('measures the level of a tone and the absence of another', () => {
    expect(levelAt(second(440), 8000, 440)).toBeCloseTo(-12.25, 1);
    expect(levelAt(second(440), 8000, 660)).toBeLessThan(-70);
    expect(overallLevel(second(440))).toBeCloseTo(-12.25, 1);
  });

  it('hears nothing in silence', () => {
    expect(dominantFrequencyHz(new Int16Array(8000), 8000)).toBeNull();
    expect(levelAt(new Int16Array(8000), 8000, 440)).toBe(-Infinity);
    expect(dominantFrequencyHz(new Int16Array(10), 8000)).toBeNull();
  });
});

describe('WAV', () => {
  it('reads back what it writes', () => {
    const pcm = second(300);
    expect(readWavMono(formatWav(pcm))).toEqual(pcm);
  });

  it('makes 8 kHz mono of 44.1 kHz stereo', () => {
    const tone = second(600, 44100);
    const stereo = Int16Array.from({ length: tone.length * 2 }, (_, i) => tone[i >> 1]!);
    const mono = readWavMono(formatWav(stereo, 44100, 2));
    expect(mono.length).toBe(8000);
    expect(dominantFrequencyHz(mono, 8000)).toBeCloseTo(600, 0);
  });

  it('reads A-law', () => {
    const file = formatWav(new Int16Array(80));
    file.writeUInt16LE(6, 20);
    file.writeUInt16LE(8, 34);
    pcma.encode(second(400).subarray(0, 160), file, 44);
    expect(dominantFrequencyHz(readWavMono(file), 8000)).toBeCloseTo(400, -1);
  });

  it.each([
    ['not a WAV file', Buffer.from('RIFFxxxxWAVX')],
    ['without a data chunk', formatWav(new Int16Array(1)).subarray(0, 36)],
    ['without a usable format chunk', Buffer.from('RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd', 'latin1')],
  ])('says that a file is %s', (message, file) => {
    expect(() => readWavMono(file)).toThrow(message);
  });

  it('resamples without aliases', () => {
    const pcm = resample(second(5000, 16000), 16000, 8000);
    expect(overallLevel(pcm.subarray(200, 7800))).toBeLessThan(-60);
  });
});

describe('hold sound', () => {
  it('is soft, starts and ends in silence and is cut at a frame', () => {
    const pcm = holdSound();
    expect(pcm.length).toBe(holdSoundMs * 8);
    expect(pcm.length % 160).toBe(0);
    expect(Math.abs(pcm[0]!)).toBeLessThan(10);
    expect(Math.max(...pcm.subarray(-160).map(Math.abs))).toBeLessThan(10);
    expect(Math.max(...pcm.map(Math.abs))).toBeLessThan(8000);
    expect(overallLevel(pcm)).toBeGreaterThan(-40);
  });
});
