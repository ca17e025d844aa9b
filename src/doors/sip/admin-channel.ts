/**
 * What we write to a drachtio-server. It reads into a ring of 12,228 bytes and overwrites what it has not worked through, so
 * no message may be longer than that, and of those that it has not answered yet no more may be on their way: the others
 * wait. Each message has exactly one answer.
 */
import type { Clock, Timer } from '../../domain/clock.js';

export interface AdminChannelOptions {
  readonly write: (frame: string) => void;
  /** The message will never be sent. Not called within `send`. */
  readonly refuse: (id: string, reason: string) => void;
  /** So much waits that the server cannot be reading any more. */
  readonly onStuck: () => void;
  readonly clock: Clock;
}

/** drachtio-server's ring, less what its count of the length may cost. */
export const maxFrameBytes = 12_000;
const maxWaitingBytes = 16 * 1024 * 1024;
/** A message without an answer after this is taken for read: the channel must not stand still for it. */
const answerTimeoutMs = 2000;
/** srf copies them into each response, and drachtio-server fills them in where they are missing. */
const copiedFields = /^(?:from|to|call-id|cseq):/i;

interface Message {
  readonly id: string;
  readonly frame: string;
  readonly bytes: number;
}

export class AdminChannel {
  readonly #options: AdminChannelOptions;
  readonly #waiting: Message[] = [];
  readonly #unanswered = new Map<string, { readonly bytes: number; readonly timer: Timer }>();
  #waitingBytes = 0;
  #unansweredBytes = 0;
  #answers = 0;
  #closed = false;

  constructor(options: AdminChannelOptions) {
    this.#options = options;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  send(id: string, text: string): void {
    if (this.#closed) return;
    const message = this.#fit(id, text);
    if (message === null) {
      const reason = 'message above the limit of the admin connection';
      setImmediate(() => {
        if (!this.#closed) this.#options.refuse(id, reason);
      });
      return;
    }
    this.#waiting.push(message);
    this.#waitingBytes += message.bytes;
    this.#next();
    if (this.#waitingBytes > maxWaitingBytes) this.#options.onStuck();
  }

  /** Messages that the server has answered, and so has read. */
  get answers(): number {
    return this.#answers;
  }

  /** The server has answered this message. */
  answered(id: string): void {
    if (this.#unanswered.has(id)) this.#answers += 1;
    this.#read(id);
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#unanswered.values()) timer.cancel();
    this.#unanswered.clear();
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  #read(id: string): void {
    const message = this.#unanswered.get(id);
    if (message === undefined) return;
    message.timer.cancel();
    this.#unanswered.delete(id);
    this.#unansweredBytes -= message.bytes;
    this.#next();
  }

  /** A response to a request with huge headers goes without its copies of them. Null where nothing helps. */
  #fit(id: string, text: string): Message | null {
    for (const candidate of [text, withoutCopies(text)]) {
      const content = `${id}|${candidate}`;
      const frame = `${String(Buffer.byteLength(content))}#${content}`;
      const bytes = Buffer.byteLength(frame);
      if (bytes <= maxFrameBytes) return { id, frame, bytes };
    }
    return null;
  }

  #next(): void {
    for (let message = this.#waiting[0]; message !== undefined; message = this.#waiting[0]) {
      if (this.#unansweredBytes + message.bytes > maxFrameBytes) return;
      const { id, frame, bytes } = message;
      this.#waiting.shift();
      this.#waitingBytes -= bytes;
      this.#unansweredBytes += bytes;
      const timer = this.#options.clock.after(answerTimeoutMs, () => this.#read(id));
      this.#unanswered.set(id, { bytes, timer });
      this.#options.write(frame);
    }
  }
}

function withoutCopies(text: string): string {
  const [line = '', ...rest] = text.split('\r\n');
  if (!rest[0]?.startsWith('SIP/2.0 ')) return text;
  const end = rest.indexOf('');
  const isHead = (at: number) => end === -1 || at < end;
  return [line, ...rest.filter((field, at) => !isHead(at) || !copiedFields.test(field))].join('\r\n');
}
