/**
 * The bytes between two workers. Each frame is
 *
 *     length (32 bit, of what follows) | type (8) | channel (32) | kind (8) | generation (16) | body
 *
 * A channel is one stream that the reading worker subscribes to, numbered by it. A generation is one track of that stream
 * and kind: a track that replaces another has the next one, so what belongs to the old track is recognised.
 */
import type { TrackKind } from '../source-track.js';

export type LinkFrameType =
  /** Reader → publisher, first frame: the secret. */
  | 'hello'
  /** Reader → publisher: the stream id; descriptions of it will come whenever it changes. */
  | 'subscribe'
  | 'unsubscribe'
  /** Reader → publisher: send, or send no longer, the packets of this track. */
  | 'attach'
  | 'detach'
  | 'key-frame'
  /** Publisher → reader: the stream as JSON, or empty when it is gone. */
  | 'description'
  /** Publisher → reader: one RTP packet. */
  | 'packet';

const frameTypes: readonly LinkFrameType[] = [
  'hello',
  'subscribe',
  'unsubscribe',
  'attach',
  'detach',
  'key-frame',
  'description',
  'packet',
];
const frameCodes = new Map(frameTypes.map((type, code) => [type, code]));

const lengthBytes = 4;
const headBytes = 8;
export const linkFrameOverhead = lengthBytes + headBytes;
/** No RTP packet and no description is longer; a length above it is not ours. */
const maxLinkBodyBytes = 64 * 1024;

export interface LinkFrame {
  type: LinkFrameType;
  channel: number;
  kind: TrackKind;
  generation: number;
  /** A view that is valid during the call only. */
  body: Buffer;
}

/** Writes a frame into `target` at `offset`, where it must fit; returns the offset behind it. */
export function writeLinkFrame(target: Buffer, offset: number, frame: Readonly<LinkFrame>): number {
  const { body } = frame;
  target.writeUInt32BE(headBytes + body.length, offset);
  target[offset + 4] = frameCodes.get(frame.type) ?? 0;
  target.writeUInt32BE(frame.channel, offset + 5);
  target[offset + 9] = frame.kind === 'video' ? 1 : 0;
  target.writeUInt16BE(frame.generation & 0xffff, offset + 10);
  body.copy(target, offset + linkFrameOverhead);
  return offset + linkFrameOverhead + body.length;
}

const noBytes = Buffer.alloc(0);

/** Cuts a byte stream into frames. The frame handed out is reused for the next. */
export class LinkFrameReader {
  readonly #frame: LinkFrame = { type: 'hello', channel: 0, kind: 'audio', generation: 0, body: noBytes };
  #rest: Buffer = noBytes;

  /** False where the bytes are no frames: the connection is useless then. */
  push(chunk: Buffer, onFrame: (frame: LinkFrame) => void): boolean {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frame = this.#frame;
    let offset = 0;
    while (data.length - offset >= lengthBytes) {
      const length = data.readUInt32BE(offset);
      if (length < headBytes || length > headBytes + maxLinkBodyBytes) return false;
      const end = offset + lengthBytes + length;
      if (end > data.length) break;
      const type = frameTypes[data[offset + 4] ?? 0];
      if (type === undefined) return false;
      frame.type = type;
      frame.channel = data.readUInt32BE(offset + 5);
      frame.kind = data[offset + 9] === 1 ? 'video' : 'audio';
      frame.generation = data.readUInt16BE(offset + 10);
      frame.body = data.subarray(offset + linkFrameOverhead, end);
      offset = end;
      onFrame(frame);
    }
    // Copied, because the socket may reuse its chunk and a view would hold on to all of it.
    this.#rest = offset === data.length ? noBytes : Buffer.from(data.subarray(offset));
    return true;
  }
}
