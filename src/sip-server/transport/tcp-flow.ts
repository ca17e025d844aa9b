/** One connection over TCP, or TLS, that carries SIP. */
import { randomUUID, type X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { BackPressure } from './back-pressure.js';
import { ConnectionKeepAlive, type KeepAliveSettings } from './connection-keep-alive.js';
import type { Flow } from './flow.js';
import { plainAddress, sendCounted, type Inbox } from './inbox.js';
import { certificateOf } from './stream-source.js';
import { StreamFramer, type StreamEvent } from './stream-framer.js';

export interface TcpFlowLimits {
  readonly firstMessageTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly messageTimeoutMs: number;
  readonly stalledMs: number;
  readonly maxBufferedBytes: number;
  readonly maxMessageBytes: number;
}

export interface TcpFlowUser {
  readonly inbox: Inbox;
  readonly limits: TcpFlowLimits;
  readonly listener: number | undefined;
  /** Null: its peer keeps it alive, or nobody does. */
  readonly keepAlive: KeepAliveSettings | null;
  /** A SIP message came by it. */
  readonly onHeard: () => void;
  /** Called exactly once. */
  readonly onClosed: () => void;
}

const ping = Buffer.from('\r\n\r\n');
const pong = Buffer.from('\r\n');

/** One connection. Owns its socket and its timers. */
export class TcpFlow implements Flow {
  readonly id = randomUUID();
  readonly protocol: 'tcp' | 'tls';
  readonly reliable = true;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly listener: number | undefined;
  readonly peerCertificate: X509Certificate | null;
  readonly #socket: Socket;
  readonly #inbox: Inbox;
  readonly #limits: TcpFlowLimits;
  readonly #framer: StreamFramer;
  readonly #onHeard: () => void;
  readonly #pressure: BackPressure;
  readonly #keepAlive: ConnectionKeepAlive | null;
  #messageTimer: NodeJS.Timeout | undefined;
  #silenceTimer: NodeJS.Timeout | undefined;
  #broken = false;

  constructor(protocol: 'tcp' | 'tls', socket: Socket, user: TcpFlowUser) {
    const { inbox, limits, listener, keepAlive, onHeard, onClosed } = user;
    this.protocol = protocol;
    this.peerCertificate = certificateOf(socket);
    this.#onHeard = onHeard;
    this.#socket = socket;
    this.#inbox = inbox;
    this.#limits = limits;
    this.#framer = new StreamFramer(limits.maxMessageBytes);
    this.listener = listener;
    this.localAddress = plainAddress(socket.localAddress);
    this.localPort = socket.localPort ?? 0;
    this.remoteAddress = plainAddress(socket.remoteAddress);
    this.remotePort = socket.remotePort ?? 0;
    this.#pressure = new BackPressure(
      {
        get waitingBytes() {
          return socket.writableLength;
        },
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        drop: () => this.drop(),
      },
      limits.stalledMs,
    );
    this.#keepAlive = keepAlive && this.#kept(keepAlive);
    socket.setTimeout(limits.idleTimeoutMs);
    socket.on('timeout', () => {
      // A call says nothing for as long as nobody changes it.
      if (inbox.standingOf(this) === 'used') socket.setTimeout(limits.idleTimeoutMs);
      else this.drop();
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // The peer has no more to say and can hear no request: what is queued goes out, then we close too.
    socket.on('end', () => socket.destroySoon());
    // 'close' always follows.
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(this.#messageTimer);
      clearTimeout(this.#silenceTimer);
      this.#pressure.close();
      this.#keepAlive?.close();
      onClosed();
    });
  }

  get isOpen(): boolean {
    return this.#socket.writable && !this.#broken;
  }

  async send(bytes: Buffer): Promise<void> {
    const socket = this.#socket;
    const { counters } = this.#inbox;
    if (!socket.writable) {
      counters.sendErrors += 1;
      throw new Error('the connection is closed');
    }
    if (socket.writableLength + bytes.length > this.#limits.maxBufferedBytes) {
      counters.sendErrors += 1;
      this.drop();
      throw new Error('the peer does not read from its connection');
    }
    this.#inbox.tap?.('out', bytes, this);
    await sendCounted(counters, bytes, (done) => this.#write(bytes, done));
  }

  keepAliveWithin(ms: number): void {
    this.#keepAlive?.within(ms);
  }

  /** Ends it where no SIP message comes in time. */
  closeUnlessHeard(): void {
    this.#silenceTimer = setTimeout(() => this.drop(), this.#limits.firstMessageTimeoutMs);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Cuts the peer off, and counts that. */
  drop(): void {
    if (this.#socket.destroyed) return;
    this.#inbox.counters.connectionsDropped += 1;
    this.#socket.destroy();
  }

  #kept(settings: KeepAliveSettings): ConnectionKeepAlive {
    const isUsed = (): boolean => this.#inbox.standingOf(this) === 'used';
    const connection = {
      get isUsed() {
        return isUsed();
      },
      ping: () => {
        if (this.#socket.writable) this.#write(ping, () => {});
      },
      broken: () => this.drop(),
    };
    return new ConnectionKeepAlive(connection, settings);
  }

  #write(bytes: Buffer, done: (error?: Error | null) => void): void {
    this.#socket.write(bytes, (error) => {
      this.#pressure.taken();
      done(error);
    });
    this.#pressure.written();
  }

  #receive(chunk: Buffer): void {
    if (this.#broken) return;
    this.#inbox.counters.bytesReceived += chunk.length;
    // Within a message they are a part of it, such as the end of its header fields in a segment of its own.
    const isBreaks =
      !this.#framer.isMidMessage &&
      chunk.length <= pong.length &&
      chunk.every((byte) => byte === 13 || byte === 10);
    // Not for the framer, to which two answers to our pings would be a ping of the peer's.
    if (this.#keepAlive?.heard(isBreaks) === true) return;
    const events = this.#framer.push(chunk);
    // Every message has its own allowance: a finished one ends the timer, a begun one starts it.
    if (!this.#framer.isMidMessage || events.some(({ kind }) => kind === 'message')) this.#stopTimer();
    if (this.#framer.isMidMessage) {
      this.#messageTimer ??= setTimeout(() => this.drop(), this.#limits.messageTimeoutMs);
    }
    for (const event of events) this.#handle(event);
  }

  #handle(event: StreamEvent): void {
    switch (event.kind) {
      case 'message':
        if (!this.#inbox.receive(event.bytes, this)) return;
        clearTimeout(this.#silenceTimer);
        this.#onHeard();
        return;
      case 'ping':
        this.#inbox.counters.keepAlives += 1;
        if (!this.#socket.writable) return;
        if (this.#socket.writableLength > this.#limits.maxBufferedBytes) this.drop();
        else this.#write(pong, () => {});
        return;
      case 'broken':
        this.#inbox.receiveBroken(event.reason, event.status, event.bytes, this);
        this.#broken = true;
        // After this turn, so that the answer which the handler has just written goes out first.
        setImmediate(() => this.#socket.destroySoon());
        return;
    }
  }

  #stopTimer(): void {
    clearTimeout(this.#messageTimer);
    this.#messageTimer = undefined;
  }
}
