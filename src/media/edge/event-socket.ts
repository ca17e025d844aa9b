/**
 * A connection of ours to FreeSWITCH's event socket, over which it is commanded and asked for its health. drachtio-fsmrf
 * has one too, but waits for ever where the secret is wrong, and says nothing of it.
 */
import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '../../domain/clock.js';
import { EventSocketFrames, type EventSocketFrame } from './event-socket-frames.js';

export interface EventSocketOptions {
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** What is not answered by then has failed: the login, and each command. */
  readonly timeoutMs: number;
  /** The connection is over, not by `close`. Called at most once, after `openEventSocket` has resolved. */
  readonly onLost: (reason: string) => void;
}

/** FreeSWITCH lets us not in: a person must change its configuration, or ours. */
export class EventSocketRefusal extends Error {
  override readonly name = 'EventSocketRefusal';
}

interface Waiting {
  readonly contentType: 'command/reply' | 'api/response';
  readonly resolve: (frame: EventSocketFrame) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

/** Connects and logs in. Rejects with EventSocketRefusal for a wrong secret or address, and within the time in any case. */
export async function openEventSocket(options: EventSocketOptions): Promise<EventSocket> {
  const socket = new EventSocket(options);
  await socket.login(options.secret);
  return socket;
}

export class EventSocket {
  readonly #socket: Socket;
  readonly #frames = new EventSocketFrames();
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onLost: (reason: string) => void;
  /** In the order of the commands, as the replies come. A command whose time was up still has its place. */
  readonly #waiting: Waiting[] = [];
  #onGreeting: ((frame: EventSocketFrame) => void) | null = null;
  #isLoggedIn = false;
  #isClosed = false;
  #error: string | null = null;

  constructor({ clock, host, port, timeoutMs, onLost }: EventSocketOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onLost = onLost;
    // Nagle's algorithm would hold each command back for 40 ms.
    this.#socket = connect({ host, port, noDelay: true, keepAlive: true });
    this.#socket.on('data', (bytes) => this.#onData(bytes));
    this.#socket.on('error', (error) => (this.#error ??= error.message));
    this.#socket.on('close', () => this.#onClose());
  }

  /** Once, before any command. */
  async login(secret: string): Promise<void> {
    try {
      const greeting = await this.#greeting();
      if (greeting.contentType !== 'auth/request')
        throw new EventSocketRefusal('FreeSWITCH takes no connections from our address');
      const reply = await this.#command(`auth ${oneLine(secret)}`, 'command/reply');
      if (!reply.replyText.startsWith('+OK')) throw new EventSocketRefusal('FreeSWITCH refuses our secret');
      this.#isLoggedIn = true;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** What the command answers. Rejects when the time is up or the connection is gone; not for `-ERR`. */
  async api(command: string): Promise<string> {
    return (await this.#command(`api ${oneLine(command)}`, 'api/response')).body;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
    this.#rejectAll('the connection to FreeSWITCH is closed');
  }

  #greeting(): Promise<EventSocketFrame> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(this.#timeoutMs, () => reject(new Error('FreeSWITCH does not answer')));
      this.#onGreeting = (frame) => {
        timer.cancel();
        resolve(frame);
      };
      this.#socket.once('close', () => {
        timer.cancel();
        reject(new Error(this.#error ?? 'FreeSWITCH closed the connection'));
      });
    });
  }

  #command(text: string, contentType: Waiting['contentType']): Promise<EventSocketFrame> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the connection to FreeSWITCH is gone'));
      const timer = this.#clock.after(this.#timeoutMs, () =>
        reject(new Error('FreeSWITCH did not answer a command in time')),
      );
      this.#waiting.push({ contentType, resolve, reject, timer });
      this.#socket.write(`${text}\n\n`);
    });
  }

  #onData(bytes: Buffer): void {
    try {
      for (const frame of this.#frames.push(bytes)) this.#onFrame(frame);
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
  }

  #onFrame(frame: EventSocketFrame): void {
    const onGreeting = this.#onGreeting;
    if (onGreeting !== null) {
      this.#onGreeting = null;
      onGreeting(frame);
      return;
    }
    const [first] = this.#waiting;
    if (first?.contentType !== frame.contentType) return;
    this.#waiting.shift();
    first.timer.cancel();
    first.resolve(frame);
  }

  #onClose(): void {
    const reason = this.#error ?? 'FreeSWITCH closed the connection';
    this.#rejectAll(reason);
    if (this.#isClosed || !this.#isLoggedIn) return;
    this.#isClosed = true;
    this.#onLost(reason);
  }

  #rejectAll(reason: string): void {
    for (const { timer, reject } of this.#waiting.splice(0)) {
      timer.cancel();
      reject(new Error(reason));
    }
  }
}

/** A line break would begin a command of its own. */
function oneLine(text: string): string {
  if (/[\r\n]/.test(text)) throw new Error('a command of the event socket is one line');
  return text;
}
