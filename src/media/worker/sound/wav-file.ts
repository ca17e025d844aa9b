/** WAV files on disk: what they are, and their samples piece by piece. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Resampler, roundToInt16 } from './resample.js';
import { findWavData, readMono, type WavData } from './wav-format.js';
import { WorkerRefusal } from '../worker-refusal.js';

const soundRateHz = 8000;
const minRateHz = 8000;
const maxRateHz = 48_000;
const maxChannels = 2;
/** What stands before the samples (titles, cover pictures) may be so long. */
const maxHeadBytes = 256 * 1024;
/** Read, and converted, at a time: less than a millisecond's work, so that no tick waits for it. */
const sliceBytes = 32 * 1024;

export interface SoundLimits {
  readonly maxSeconds: number;
}

/** A WAV file that is open: what it is, and its samples on demand. */
export class WavFile {
  /** Tells apart what was at the same path at different times. */
  readonly key: string;
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #limits: SoundLimits;

  private constructor(handle: FileHandle, key: string, size: number, limits: SoundLimits) {
    this.#handle = handle;
    this.key = key;
    this.#size = size;
    this.#limits = limits;
  }

  /** Opens a regular file. Throws WorkerRefusal. */
  static async open(path: string, limits: SoundLimits): Promise<WavFile> {
    // A pipe would keep the opening waiting for its writer.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
      throw unreadable(error);
    });
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw new WorkerRefusal('bad-sound', 'not a regular file');
      return new WavFile(handle, `${stat.mtimeMs} ${stat.size} ${path}`, stat.size, limits);
    } catch (error) {
      await handle.close();
      throw unreadable(error);
    }
  }

  /** The whole sound as mono at 8 kHz. `onLength` is told its length in samples before, and may throw. Throws WorkerRefusal. */
  async read(onLength: (samples: number) => void = () => undefined): Promise<Int16Array> {
    try {
      const data = await this.#findData();
      const { format } = data;
      const frameBytes = format.channels * format.bytesPerSample;
      const frames = Math.floor(data.length / frameBytes);
      const pcm = this.#allocate(data, frames, onLength);
      const slice = Buffer.alloc(Math.floor(sliceBytes / frameBytes) * frameBytes);
      const mono = new Float32Array(slice.length / frameBytes);
      const resampler =
        format.sampleRateHz === soundRateHz ? null : new Resampler(format.sampleRateHz, soundRateHz);
      let made = 0;
      for (let done = 0; done < frames;) {
        const wanted = Math.min(slice.length, (frames - done) * frameBytes);
        await this.#fill(slice, wanted, data.offset + done * frameBytes);
        const count = readMono(format, slice.subarray(0, wanted), mono);
        if (resampler !== null) made += resampler.push(mono, count, pcm, made);
        else for (let i = 0; i < count; i++) pcm[made++] = roundToInt16(mono[i]!);
        done += count;
      }
      resampler?.end(pcm, made);
      return pcm;
    } catch (error) {
      throw unreadable(error);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #findData(): Promise<WavData> {
    const head = Buffer.alloc(Math.min(this.#size, maxHeadBytes));
    await this.#fill(head, head.length, 0);
    try {
      return findWavData(head, this.#size);
    } catch (error) {
      throw new WorkerRefusal('bad-sound', error instanceof Error ? error.message : String(error));
    }
  }

  #allocate(data: WavData, frames: number, onLength: (samples: number) => void): Int16Array {
    const { sampleRateHz, channels } = data.format;
    const refuse = (why: string): never => {
      throw new WorkerRefusal('bad-sound', why);
    };
    if (sampleRateHz < minRateHz || sampleRateHz > maxRateHz)
      refuse(`${sampleRateHz} Hz: a sound must have 8 to 48 kHz`);
    if (channels > maxChannels) refuse(`${channels} channels: a sound must be mono or stereo`);
    const samples = Math.floor((frames * soundRateHz) / sampleRateHz);
    if (samples === 0) refuse('the sound is empty');
    if (frames / sampleRateHz > this.#limits.maxSeconds)
      refuse(`the sound is longer than ${this.#limits.maxSeconds} s`);
    onLength(samples);
    return new Int16Array(samples);
  }

  async #fill(buffer: Buffer, length: number, position: number): Promise<void> {
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.#handle.read(buffer, done, length - done, position + done);
      if (bytesRead === 0) throw new WorkerRefusal('bad-sound', 'the file became shorter while it was read');
      done += bytesRead;
    }
  }
}

/** Reads a WAV file as mono at 8 kHz. Throws WorkerRefusal. */
export async function readWavFile(path: string, limits: SoundLimits): Promise<Int16Array> {
  const file = await WavFile.open(path, limits);
  try {
    return await file.read();
  } finally {
    await file.close();
  }
}

function unreadable(error: unknown): WorkerRefusal {
  if (error instanceof WorkerRefusal) return error;
  const { code } = error as NodeJS.ErrnoException;
  const why =
    code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${code ?? String(error)})`;
  return new WorkerRefusal('bad-sound', why);
}
