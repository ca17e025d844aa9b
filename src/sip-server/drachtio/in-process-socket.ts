/** Two sockets that are each other's far end inside this process: a connection without the system's calls for each message. */
import { Socket } from 'node:net';

type Done = (error?: Error | null) => void;

/** What is written comes as it was written: a socket leaves strings to whoever sends them. */
interface Written {
  readonly chunk: Buffer | string;
  readonly encoding: BufferEncoding;
}

/** Looks like a connected TCP socket to whoever reads and writes it; it has no address. */
class InProcessSocket extends Socket {
  #peer: InProcessSocket | null = null;
  /** Called when our far end reads again: its buffer was full. */
  #resume: Done | null = null;

  static pair(): [InProcessSocket, InProcessSocket] {
    const one = new InProcessSocket();
    const other = new InProcessSocket();
    one.#peer = other;
    other.#peer = one;
    return [one, other];
  }

  override _read(): void {
    const peer = this.#peer;
    if (peer === null) return;
    const resume = peer.#resume;
    peer.#resume = null;
    resume?.();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void {
    this.#deliver(bytesOf({ chunk, encoding }), done);
  }

  override _writev(chunks: readonly Written[], done: Done): void {
    this.#deliver(Buffer.concat(chunks.map(bytesOf)), done);
  }

  override _final(done: Done): void {
    process.nextTick(() => {
      this.#peer?.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: Done): void {
    const peer = this.#peer;
    this.#peer = null;
    this.#resume = null;
    // As TCP does it: what was sent is there to be read, then the end; and a write to who is gone fails.
    if (peer !== null && !peer.destroyed) process.nextTick(() => peer.#farEndIsGone());
    super._destroy(error, done);
  }

  /** In a turn of its own, as from the network: whoever writes is done with what he does before the far end begins. */
  #deliver(bytes: Buffer, done: Done): void {
    const peer = this.#peer;
    process.nextTick(() => {
      if (peer === null || peer.destroyed) done(new Error('the far end is gone'));
      else if (peer.push(bytes)) done();
      else this.#resume = done;
    });
  }

  #farEndIsGone(): void {
    const resume = this.#resume;
    this.#resume = null;
    this.#peer = null;
    resume?.(new Error('the far end is gone'));
    if (this.destroyed || this.readableEnded) return;
    this.push(null);
  }
}

function bytesOf({ chunk, encoding }: Written): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
}

/** A connection inside this process: what is written to one is read from the other, in order, with its backpressure and its end. */
export function connectInProcess(): [Socket, Socket] {
  return InProcessSocket.pair();
}
