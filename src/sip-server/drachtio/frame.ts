/** One frame of drachtio's admin protocol: `<length>#<msgId>|<type>|tokens…[CRLF<raw SIP message>]`. */
export interface Frame {
  readonly id: string;
  /** The type first; empty tokens are kept. */
  readonly tokens: readonly string[];
  /** What follows the first CRLF; absent when there is none. */
  readonly raw?: Buffer;
}

const hashSign = 0x23;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
/** Digits of the length: more than the largest frame needs. */
const maxLengthDigits = 8;

/** Raised by the reader for bytes that are no frames; the connection cannot be used any further. */
export class FrameError extends Error {}

/** Cuts a stream of bytes into frames, whatever the pieces it comes in. */
export class FrameReader {
  readonly #maxFrameBytes: number;
  #buffered: Buffer[] = [];
  #bufferedBytes = 0;
  #neededBytes = 1;

  /** `maxFrameBytes`: default 1 MiB. */
  constructor(maxFrameBytes = 1_048_576) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** The frames that are complete with these bytes. Throws FrameError. */
  push(bytes: Buffer): Frame[] {
    this.#buffered.push(bytes);
    this.#bufferedBytes += bytes.length;
    if (this.#bufferedBytes < this.#neededBytes) return [];
    const first = this.#buffered[0];
    let data = this.#buffered.length === 1 && first ? first : Buffer.concat(this.#buffered);
    const frames: Frame[] = [];
    for (;;) {
      const size = this.#frameSize(data);
      if (size === null || data.length < size.end) {
        this.#neededBytes = size?.end ?? data.length + 1;
        break;
      }
      frames.push(parseFrame(data.subarray(size.start, size.end)));
      data = data.subarray(size.end);
    }
    this.#buffered = data.length === 0 ? [] : [data];
    this.#bufferedBytes = data.length;
    return frames;
  }

  /** Null while the length itself is not complete. */
  #frameSize(data: Buffer): { start: number; end: number } | null {
    const head = data.subarray(0, maxLengthDigits + 1);
    const hash = head.indexOf(hashSign);
    if (hash < 0) {
      if (head.length > maxLengthDigits || !/^\d*$/.test(head.toString('latin1'))) {
        throw new FrameError('no length before the frame');
      }
      return null;
    }
    const digits = head.toString('latin1', 0, hash);
    if (!/^\d+$/.test(digits)) throw new FrameError('no length before the frame');
    const length = Number(digits);
    if (length === 0 || length > this.#maxFrameBytes) throw new FrameError(`frame of ${length} bytes`);
    return { start: hash + 1, end: hash + 1 + length };
  }
}

/** Reads what stands after the length. */
function parseFrame(content: Buffer): Frame {
  const end = findLineEnd(content);
  const [id = '', ...tokens] = content.toString('utf8', 0, end < 0 ? content.length : end).split('|');
  return end < 0 ? { id, tokens } : { id, tokens, raw: content.subarray(end + 2) };
}

/** The bytes of a frame. A token must not have `|` or a line break in it: those that could have are cleaned before. */
export function formatFrame(id: string, tokens: readonly string[], raw?: Buffer): Buffer {
  const line = raw === undefined ? `${id}|${tokens.join('|')}` : `${id}|${tokens.join('|')}\r\n`;
  const lineBytes = Buffer.byteLength(line);
  const length = `${lineBytes + (raw?.length ?? 0)}#`;
  const frame = Buffer.allocUnsafe(length.length + lineBytes + (raw?.length ?? 0));
  frame.write(length, 0, 'latin1');
  frame.write(line, length.length);
  raw?.copy(frame, length.length + lineBytes);
  return frame;
}

/** A text that can stand in a token. */
export function cleanToken(text: string): string {
  return text.replace(/[|\r\n]/g, '_');
}

function findLineEnd(content: Buffer): number {
  let at = content.indexOf(carriageReturn);
  while (at >= 0 && content[at + 1] !== lineFeed) at = content.indexOf(carriageReturn, at + 1);
  return at;
}
