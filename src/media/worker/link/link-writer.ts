/** Writes to a link, and drops what its reader is too slow for. */
import type { Socket } from 'node:net';
import type { TrackKind } from '../source-track.js';
import { type LinkFrame, linkFrameOverhead, type LinkFrameType, writeLinkFrame } from './link-frame.js';

const noBytes = Buffer.alloc(0);
/** Some 300 voice packets or 50 video packets: what one turn of the event loop brings, at most. */
const batchBytes = 64 * 1024;

/** Sends frames on a link, all of one turn of the event loop in one write. Media is dropped rather than queued up. */
export class LinkWriter {
  readonly #socket: Socket;
  readonly #maxQueuedBytes: number;
  /** What is being written. */
  readonly #frame: LinkFrame = { type: 'hello', channel: 0, kind: 'audio', generation: 0, body: noBytes };
  #batch: Buffer = noBytes;
  #used = 0;
  #flushing: NodeJS.Immediate | null = null;
  #closed = false;

  /** Packets beyond `maxQueuedBytes` unsent are dropped; control frames are few and always queued. */
  constructor(socket: Socket, maxQueuedBytes: number) {
    this.#socket = socket;
    this.#maxQueuedBytes = maxQueuedBytes;
  }

  /** False when the packet was dropped because the other side does not keep up. */
  packet(channel: number, kind: TrackKind, generation: number, packet: Buffer): boolean {
    if (this.#closed || this.#socket.writableLength + this.#used > this.#maxQueuedBytes) return false;
    this.#frame.body = packet;
    this.#put('packet', channel, kind, generation);
    return true;
  }

  /** What is said of a whole stream, or of none. */
  control(type: LinkFrameType, channel: number, body = ''): void {
    if (this.#closed) return;
    this.#frame.body = body === '' ? noBytes : Buffer.from(body);
    this.#put(type, channel, 'audio', 0);
  }

  /** What is asked of one track of a stream. */
  trackControl(type: LinkFrameType, channel: number, kind: TrackKind, generation: number): void {
    if (!this.#closed) this.#put(type, channel, kind, generation);
  }

  close(): void {
    this.#closed = true;
    if (this.#flushing !== null) clearImmediate(this.#flushing);
    this.#flushing = null;
    this.#batch = noBytes;
  }

  /** Writes the frame with the body that it has been given. */
  #put(type: LinkFrameType, channel: number, kind: TrackKind, generation: number): void {
    const frame = this.#frame;
    frame.type = type;
    frame.channel = channel;
    frame.kind = kind;
    frame.generation = generation;
    const needed = linkFrameOverhead + frame.body.length;
    if (this.#used + needed > this.#batch.length) {
      this.#flush();
      this.#batch = Buffer.allocUnsafe(Math.max(batchBytes, needed));
    }
    this.#used = writeLinkFrame(this.#batch, this.#used, frame);
    frame.body = noBytes;
    this.#flushing ??= setImmediate(() => {
      this.#flushing = null;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#used === 0 || this.#closed) return;
    // The socket owns what it was given until it is sent; the batch goes on behind it.
    this.#socket.write(this.#batch.subarray(0, this.#used));
    this.#batch = this.#batch.subarray(this.#used);
    this.#used = 0;
  }
}
