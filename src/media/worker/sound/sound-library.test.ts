import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toneFile, type ToneFileOptions, type WavEncoding } from '../../../../test/support/sound-files.js';
import { dominantFrequencyHz, levelAt, overallLevel } from './dominant-frequency.js';
import { SoundLibrary } from './sound-library.js';
import { readWavFile } from './wav-file.js';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'landbridge-library-'))));
afterEach(() => rm(directory, { recursive: true }));

async function file(name: string, options?: ToneFileOptions): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, toneFile(options));
  return path;
}

describe('a WAV file', () => {
  const encodings: WavEncoding[] = ['pcm8', 'pcm16', 'pcm24', 'pcm32', 'float', 'ulaw', 'alaw'];
  it.each(
    encodings.flatMap((encoding) =>
      [8000, 11_025, 16_000, 44_100, 47_999].map((rateHz) => [encoding, rateHz] as const),
    ),
  )('of %s at %i Hz is heard as what it is', async (encoding, rateHz) => {
    for (const channels of [1, 2]) {
      const path = await file(`${channels}.wav`, { encoding, rateHz, channels, frequencyHz: 600 });
      const pcm = await readWavFile(path, { maxSeconds: 10 });
      expect(pcm.length).toBe(8000);
      // All of it is that tone.
      expect(levelAt(pcm, 8000, 600)).toBeCloseTo(-12.2, 0);
      expect(overallLevel(pcm)).toBeCloseTo(-12.2, 0);
    }
  });

  it.each([16_000, 44_100, 48_000])(
    'at %i Hz lets nothing through that no telephone carries',
    async (rateHz) => {
      const path = await file('high.wav', { rateHz, frequencyHz: 4400, amplitude: 30_000 });
      // Not at the edges, where a tone that is cut off is every frequency.
      const inside = async (of: string): Promise<Int16Array> =>
        (await readWavFile(of, { maxSeconds: 10 })).subarray(400, -400);
      expect(overallLevel(await inside(path))).toBeLessThan(-65);
      const low = await file('low.wav', { rateHz, frequencyHz: 3100, amplitude: 30_000 });
      expect(overallLevel(await inside(low))).toBeGreaterThan(-1.5);
    },
  );

  it.each([
    ['the sound is empty', { ms: 0 }],
    ['7999 Hz: a sound must have 8 to 48 kHz', { rateHz: 7999 }],
    ['3 channels: a sound must be mono or stereo', { channels: 3 }],
    ['the sound is longer than 10 s', { ms: 10_100 }],
  ])('is refused: %s', async (message, options) => {
    const path = await file('refused.wav', options);
    await expect(readWavFile(path, { maxSeconds: 10 })).rejects.toMatchObject({ code: 'bad-sound', message });
  });

  it('that was cut off is read as far as it goes', async () => {
    const path = join(directory, 'cut.wav');
    await writeFile(path, toneFile({ ms: 1000, encoding: 'pcm24' }).subarray(0, 44 + 3 * 4000 + 1));
    expect(await readWavFile(path, { maxSeconds: 10 })).toHaveLength(4000);
  });
});

describe('the sounds of a worker', () => {
  const second = 16_000;

  it('are read once, however many want them at the same time', async () => {
    const sounds = new SoundLibrary({ maxSeconds: 10, maxBytes: 10 * second });
    const path = await file('a.wav');
    const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => sounds.acquire(path)));
    for (const other of others) expect(other).toBe(first);
    expect(sounds.bytes).toBe(second);
  });

  it('are read anew when the file is another', async () => {
    const sounds = new SoundLibrary({ maxSeconds: 10, maxBytes: 10 * second });
    const path = await file('a.wav', { frequencyHz: 440 });
    const before = await sounds.acquire(path);
    await file('a.wav', { frequencyHz: 600 });
    await utimes(path, 1, 1);
    const after = await sounds.acquire(path);
    expect(dominantFrequencyHz(before.pcm, 8000)).toBeCloseTo(440, 0);
    expect(dominantFrequencyHz(after.pcm, 8000)).toBeCloseTo(600, 0);
  });

  it('make room when they are no longer used, the oldest first, and are refused where all are', async () => {
    const sounds = new SoundLibrary({ maxSeconds: 10, maxBytes: 2 * second });
    const [a, b, c] = [await file('a.wav'), await file('b.wav'), await file('c.wav')];
    const first = await sounds.acquire(a);
    await sounds.acquire(b);
    await expect(sounds.acquire(c)).rejects.toMatchObject({ code: 'overloaded' });
    sounds.release(first);
    await sounds.acquire(c);
    expect(sounds.bytes).toBe(2 * second);
    await expect(sounds.acquire(a)).rejects.toMatchObject({ code: 'overloaded' });
  });

  it('hold no memory for a file that was no sound, and read the next', async () => {
    const sounds = new SoundLibrary({ maxSeconds: 10, maxBytes: 10 * second, maxReading: 1 });
    const path = join(directory, 'text.wav');
    await writeFile(path, 'text');
    const readable = await file('a.wav');
    // In one step: a rejection that nobody waits for yet would end the run.
    const outcomes = await Promise.allSettled([path, readable, path].map((one) => sounds.acquire(one)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(sounds.bytes).toBe(second);
  });
});
