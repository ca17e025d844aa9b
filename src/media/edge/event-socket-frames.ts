/** The frames of FreeSWITCH's event socket: header lines, an empty line, and a body where `Content-Length` says so. */

export interface EventSocketFrame {
  /** `auth/request`, `command/reply`, `api/response`, `text/disconnect-notice`, … */
  readonly contentType: string;
  /** What a `command/reply` says: `+OK …` or `-ERR …`. */
  readonly replyText: string;
  readonly body: string;
}

/** No answer that is asked for here is longer. */
export const maxFrameBytes = 1024 * 1024;

/** Cuts a stream of bytes into frames. */
export class EventSocketFrames {
  #pending: Buffer = Buffer.alloc(0);

  /** The frames that are complete with these bytes. Throws where a frame is longer than any can be. */
  push(bytes: Buffer): EventSocketFrame[] {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const frames: EventSocketFrame[] = [];
    for (let frame = this.#next(); frame !== null; frame = this.#next()) frames.push(frame);
    if (this.#pending.length > maxFrameBytes) throw new Error('a frame of the event socket is too long');
    return frames;
  }

  #next(): EventSocketFrame | null {
    const end = this.#pending.indexOf('\n\n');
    if (end < 0) return null;
    const headers = readHeaders(this.#pending.toString('utf8', 0, end));
    const length = Number(headers.get('content-length') ?? 0);
    if (!Number.isSafeInteger(length) || length < 0 || length > maxFrameBytes)
      throw new Error('a frame of the event socket is too long');
    const bodyAt = end + 2;
    if (this.#pending.length < bodyAt + length) return null;
    const body = this.#pending.toString('utf8', bodyAt, bodyAt + length);
    this.#pending = this.#pending.subarray(bodyAt + length);
    return {
      contentType: headers.get('content-type') ?? '',
      replyText: headers.get('reply-text') ?? '',
      body,
    };
  }
}

function readHeaders(text: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}
