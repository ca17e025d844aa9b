/** Cuts a stream of bytes into messages (RFC 3261 §18.3). */
import { findHeadEnd } from '../message/head.js';
import type { RefusalStatus } from '../message/parse-message.js';

export type StreamEvent =
  | { readonly kind: 'message'; readonly bytes: Buffer }
  /** CRLFCRLF between messages: wants a CRLF in return (RFC 5626 §4.4.1). */
  | { readonly kind: 'ping' }
  /** Where the next message begins cannot be known any more: close the connection. `bytes` is the head, or what came of it. */
  | {
      readonly kind: 'broken';
      readonly reason: string;
      readonly status: RefusalStatus;
      readonly bytes: Buffer;
    };

const noBytes = Buffer.alloc(0);
/** Octets of line breaks that may come at once between messages: a keep-alive is four. */
const maxBreaks = 1024;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
// Anchored at the line: a continuation line begins with a blank and so cannot pose as the field.
const contentLengthPattern = /^(?:content-length|l)[ \t]*:[ \t]*(?:\r?\n[ \t]+)?(\d{1,9})[ \t]*$/im;

/** Cuts a byte stream into messages by Content-Length (RFC 3261 §18.3). Holds at most one message and one chunk. */
export class StreamFramer {
  readonly #maxMessageBytes: number;
  /** The bytes waiting are `#store[0 … #length]`; it has room to grow so that slow senders cost no quadratic copying. */
  #store = noBytes;
  #length = 0;
  #searchedTo = 0;
  #neededLength: number | undefined;
  #lineFeeds = 0;
  #broken = false;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** True when a message has begun and its end has not come. */
  get isMidMessage(): boolean {
    return this.#length > 0;
  }

  push(chunk: Buffer): StreamEvent[] {
    const events: StreamEvent[] = [];
    if (this.#broken) return events;
    let data = this.#append(chunk);
    for (;;) {
      if (this.#neededLength === undefined) {
        const breaks = this.#searchedTo === 0 ? this.#skipBreaks(data, events) : 0;
        data = data.subarray(breaks);
        const outcome =
          breaks > maxBreaks ? this.#give('a flood of line breaks', 400, noBytes) : this.#measure(data);
        if (outcome === 'more') break;
        if (typeof outcome === 'object') {
          this.#broken = true;
          this.#store = noBytes;
          this.#length = 0;
          events.push(outcome);
          return events;
        }
        this.#neededLength = outcome;
      }
      if (data.length < this.#neededLength) break;
      events.push({ kind: 'message', bytes: data.subarray(0, this.#neededLength) });
      data = data.subarray(this.#neededLength);
      this.#neededLength = undefined;
      this.#searchedTo = 0;
    }
    this.#keep(data);
    return events;
  }

  /** The whole length of the message at the start of `data`. */
  #measure(data: Buffer): number | 'more' | StreamEvent {
    const head = findHeadEnd(data.subarray(0, this.#maxMessageBytes), Math.max(0, this.#searchedTo - 3));
    if (!head) {
      this.#searchedTo = data.length;
      return data.length > this.#maxMessageBytes ? this.#give('header fields too large', 513, data) : 'more';
    }
    const bytes = data.subarray(0, head.bodyStart);
    const stated = contentLengthPattern.exec(data.toString('latin1', 0, head.end));
    if (!stated) return this.#give('no usable Content-Length', 400, bytes);
    const length = head.bodyStart + Number(stated[1]);
    return length > this.#maxMessageBytes ? this.#give('message too large', 513, bytes) : length;
  }

  #give(reason: string, status: RefusalStatus, bytes: Buffer): StreamEvent {
    return { kind: 'broken', reason, status, bytes: Buffer.from(bytes.subarray(0, this.#maxMessageBytes)) };
  }

  #skipBreaks(data: Buffer, events: StreamEvent[]): number {
    let at = 0;
    let pinged = false;
    while ((data[at] === carriageReturn || data[at] === lineFeed) && at <= maxBreaks) {
      if (data[at] === lineFeed) this.#lineFeeds += 1;
      if (this.#lineFeeds === 2) {
        this.#lineFeeds = 0;
        // One answer for a whole burst: a flood of them shall not be amplified.
        if (!pinged) events.push({ kind: 'ping' });
        pinged = true;
      }
      at += 1;
    }
    if (at < data.length) this.#lineFeeds = 0;
    return at;
  }

  #append(chunk: Buffer): Buffer {
    if (this.#length === 0) return chunk;
    const total = this.#length + chunk.length;
    if (total > this.#store.length) {
      const grown = Buffer.allocUnsafe(Math.max(total, this.#store.length * 2));
      this.#store.copy(grown, 0, 0, this.#length);
      this.#store = grown;
    }
    chunk.copy(this.#store, this.#length);
    this.#length = total;
    return this.#store.subarray(0, total);
  }

  #keep(data: Buffer): void {
    if (data.length === 0) this.#store = noBytes;
    else if (data.buffer !== this.#store.buffer || data.byteOffset !== this.#store.byteOffset) {
      // A fresh store, because the messages just given out still look into the old one.
      this.#store = Buffer.from(data);
    }
    this.#length = data.length;
  }
}
