/** Sounds in memory, each once for however many phones hear it. */
import { WavFile } from './wav-file.js';
import { WorkerRefusal } from '../worker-refusal.js';

export interface SoundLibraryOptions {
  readonly maxSeconds: number;
  /** Memory for sounds, in use or kept for the next use. */
  readonly maxBytes: number;
  /** Files that are read at the same time. Default 2: each takes its share of every turn of the event loop. */
  readonly maxReading?: number;
}

/** A sound in memory, to be given back by `release`: mono at 8 kHz, shared, never written to. */
export class LoadedSound {
  pcm: Int16Array = new Int16Array(0);
  /** Octets that are counted for it. */
  bytes = 0;
  holders = 0;
  reading: Promise<void> | null = null;

  constructor(readonly key: string) {}
}

/** The WAV files that a worker's phones are played: each read and converted once, kept while there is room. */
export class SoundLibrary {
  readonly maxSeconds: number;
  readonly #maxBytes: number;
  readonly #maxReading: number;
  /** The one that was not asked for longest comes first. */
  readonly #sounds = new Map<string, LoadedSound>();
  #bytes = 0;
  #reading = 0;
  readonly #waiting: (() => void)[] = [];

  constructor({ maxSeconds, maxBytes, maxReading = 2 }: SoundLibraryOptions) {
    this.maxSeconds = maxSeconds;
    this.#maxBytes = maxBytes;
    this.#maxReading = maxReading;
  }

  /** Octets of the sounds in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Throws WorkerRefusal: `bad-sound`, or `overloaded` where the memory is full of sounds in use. */
  async acquire(path: string): Promise<LoadedSound> {
    const file = await WavFile.open(path, this);
    const sound = this.#sounds.get(file.key) ?? new LoadedSound(file.key);
    this.#sounds.delete(file.key);
    this.#sounds.set(file.key, sound);
    sound.holders++;
    try {
      if (sound.reading === null) sound.reading = this.#read(file, sound);
      else await file.close();
      await sound.reading;
      return sound;
    } catch (error) {
      sound.holders--;
      throw error;
    }
  }

  release(sound: LoadedSound): void {
    sound.holders--;
  }

  async #read(file: WavFile, sound: LoadedSound): Promise<void> {
    while (this.#reading >= this.#maxReading) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#reading++;
    try {
      sound.pcm = await file.read((samples) => this.#reserve(sound, samples * Int16Array.BYTES_PER_ELEMENT));
    } catch (error) {
      this.#forget(sound);
      throw error;
    } finally {
      this.#reading--;
      this.#waiting.shift()?.();
      await file.close();
    }
  }

  #reserve(sound: LoadedSound, bytes: number): void {
    for (const other of this.#sounds.values()) {
      if (this.#bytes + bytes <= this.#maxBytes) break;
      if (other.holders === 0) this.#forget(other);
    }
    if (this.#bytes + bytes > this.#maxBytes)
      throw new WorkerRefusal('overloaded', 'there is no memory for another sound');
    sound.bytes = bytes;
    this.#bytes += bytes;
  }

  #forget(sound: LoadedSound): void {
    if (this.#sounds.get(sound.key) === sound) this.#sounds.delete(sound.key);
    this.#bytes -= sound.bytes;
    sound.bytes = 0;
  }
}
