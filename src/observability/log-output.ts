/** Where log lines go: a file descriptor that may be full, slow or broken. That costs lines, never a call. */
import { write, writeSync } from 'node:fs';

export interface LogOutputOptions {
  /** Default 1, standard output. */
  readonly fd?: number;
  /** What may wait for a reader that is slow, in characters; lines beyond are lost. Default 4 Mi. */
  readonly maxWaiting?: number;
  /** Default `fs.write`. */
  readonly write?: (fd: number, bytes: Buffer, done: (error: Error | null, written: number) => void) => void;
}

/** A full pipe that does not block refuses a write, which is tried again after this. */
const retryMs = 100;

/** Writes one piece at a time, in order; what comes meanwhile is the next piece. A piece that cannot be written is dropped. */
export class LogOutput {
  readonly #fd: number;
  readonly #maxWaiting: number;
  readonly #write: NonNullable<LogOutputOptions['write']>;
  #waiting = '';
  #isWriting = false;

  constructor({ fd = 1, maxWaiting = 4 * 1024 * 1024, write: writer = write }: LogOutputOptions = {}) {
    this.#fd = fd;
    this.#maxWaiting = maxWaiting;
    this.#write = writer;
  }

  write(line: string): void {
    if (this.#waiting.length + line.length > this.#maxWaiting) return;
    this.#waiting += line;
    if (!this.#isWriting) this.#writeWaiting();
  }

  /** Writes what waits at once, without returning to the event loop: for the end of the process. */
  flushSync(): void {
    const bytes = Buffer.from(this.#waiting);
    this.#waiting = '';
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
    } catch {
      // There is nowhere left to report it.
    }
  }

  #writeWaiting(): void {
    const bytes = Buffer.from(this.#waiting);
    this.#waiting = '';
    this.#isWriting = true;
    this.#writePiece(bytes);
  }

  #writePiece(bytes: Buffer): void {
    this.#write(this.#fd, bytes, (error, written) => {
      const isBusy = error !== null && 'code' in error && error.code === 'EAGAIN';
      if (isBusy) setTimeout(() => this.#writePiece(bytes), retryMs).unref();
      else if (error === null && written < bytes.length) this.#writePiece(bytes.subarray(written));
      else if (this.#waiting !== '') this.#writeWaiting();
      else this.#isWriting = false;
    });
  }
}
