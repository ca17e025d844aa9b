/** The file of a recording: written behind what is recorded, within limits. */
import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { OctetSink, Patch } from './recording-encoder.js';

export interface RecordingFileOptions {
  /** Octets that may wait for the disk. Default 1 MB: a minute of WAV. */
  readonly maxBacklogBytes?: number;
  /** Nothing was or will be written any more. At most once, and not in the turn of a call. */
  readonly onError: (error: Error) => void;
}

/** The disk did not keep up. */
class SlowDiskError extends Error {
  override readonly name = 'SlowDiskError';
  constructor() {
    super('the disk does not keep up');
  }
}

/** Gathered before it is written: a second of WAV. */
const chunkBytes = 16 * 1024;

/** A new file that is written behind the caller's back, in order, with a limit to what waits. Only its owner may read it. */
export class RecordingFile implements OctetSink {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #onError: (error: Error) => void;
  readonly #maxBacklogBytes: number;
  #chunk = Buffer.allocUnsafeSlow(chunkBytes);
  #used = 0;
  #length = 0;
  #written = 0;
  /** What waits for the disk, what is being written first. */
  readonly #queue: Patch[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> | null = null;
  #error: Error | null = null;

  private constructor(handle: FileHandle, path: string, options: RecordingFileOptions) {
    this.#handle = handle;
    this.#path = path;
    this.#onError = options.onError;
    this.#maxBacklogBytes = options.maxBacklogBytes ?? 1024 * 1024;
  }

  /** Throws where it exists already, or cannot be made. */
  static async create(path: string, options: RecordingFileOptions): Promise<RecordingFile> {
    return new RecordingFile(await open(path, 'wx', 0o600), path, options);
  }

  get length(): number {
    return this.#length;
  }

  /** Octets from the start that are in the file. */
  get written(): number {
    return this.#written;
  }

  append(bytes: Uint8Array): void {
    if (this.#error !== null) return;
    this.#length += bytes.length;
    if (this.#used + bytes.length > this.#chunk.length) {
      this.flush();
      if (bytes.length > this.#chunk.length) this.#chunk = Buffer.allocUnsafeSlow(bytes.length);
    }
    this.#chunk.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Has everything that was appended written. */
  flush(): void {
    if (this.#used === 0 || this.#error !== null) return;
    this.#put({ position: this.#length - this.#used, bytes: this.#chunk.subarray(0, this.#used) });
    this.#chunk = Buffer.allocUnsafeSlow(chunkBytes);
    this.#used = 0;
  }

  /** Writes over what was appended. Left out while the disk is behind: another will follow. */
  patch(patch: Patch): void {
    if (this.#error === null && this.#queue.length <= 1) this.#put(patch);
  }

  /** Resolves when all is written; rejects with what went wrong. */
  async drain(): Promise<void> {
    this.flush();
    await this.#writing;
    if (this.#error !== null) throw this.#error;
  }

  /** Cuts the file, whatever went wrong before, patches it and closes it. What it holds outlives a power cut then. */
  async finish(length: number, patch: Patch | null): Promise<void> {
    await this.#writing;
    try {
      if (length < this.#length) await this.#handle.truncate(length);
      if (patch !== null) await this.#write(patch);
      await this.#handle.sync();
    } finally {
      await this.#handle.close();
    }
  }

  /** Takes the file away again. */
  async discard(): Promise<void> {
    await this.#writing;
    await this.#handle.close();
    await unlink(this.#path);
  }

  #put(patch: Patch): void {
    this.#queue.push(patch);
    this.#queuedBytes += patch.bytes.length;
    if (this.#queuedBytes > this.#maxBacklogBytes) this.#fail(new SlowDiskError());
    else this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    try {
      for (let next = this.#queue[0]; next !== undefined && this.#error === null; next = this.#queue[0]) {
        await this.#write(next);
        this.#queue.shift();
        this.#queuedBytes -= next.bytes.length;
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    this.#writing = null;
  }

  async #write({ position, bytes }: Patch): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
      this.#written = Math.max(this.#written, position + done);
    }
  }

  #fail(error: Error): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#queue.length = 0;
    setImmediate(() => this.#onError(error));
  }
}
