/**
 * One WebSocket of a device: reads JSON-RPC messages from it within limits, sees whether it is still there, and keeps what
 * comes before somebody reads.
 */
import type { Clock, Timer } from '../../domain/clock.js';
import { formatRpcError, parseRpcMessage, type RpcMessage } from './json-rpc.js';

/** What is used of a `ws` WebSocket. */
export interface MessageSocket {
  send(text: string): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
  readonly bufferedAmount: number;
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: 'pong', listener: () => void): unknown;
  on(event: 'close', listener: (code: number) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export interface DeviceSocketLimits {
  /** Longer messages are dropped unread and counted. Default 262 144 octets. */
  readonly maxMessageBytes?: number;
  /** Messages that may come at once, and per second after that. Default 100 and 20. */
  readonly burst?: number;
  readonly messagesPerSecond?: number;
  /** Messages kept until somebody reads. Default 32. */
  readonly maxUnread?: number;
  /** What may wait to be sent before a device that reads nothing is cut off. Default 4 MiB. */
  readonly maxUnsentBytes?: number;
  /** Silence after which it is asked whether it is there, and after as much again cut off. Default 20 000 ms. */
  readonly pingIntervalMs?: number;
}

export interface DeviceSocketReader {
  onMessage(message: RpcMessage): void;
  /** Once. `code` is what the far end closed with; 1006 (RFC 6455 §7.4.1) where it did not say. */
  onClosed(code: number): void;
}

const defaults: Required<DeviceSocketLimits> = {
  maxMessageBytes: 262_144,
  burst: 100,
  messagesPerSecond: 20,
  maxUnread: 32,
  maxUnsentBytes: 4 * 1024 * 1024,
  pingIntervalMs: 20_000,
};

/** RFC 6455 §7.4.1. */
export const closeCode = { normal: 1000, policyViolation: 1008, tryAgainLater: 1013, lost: 1006 } as const;

export class DeviceSocket {
  readonly #socket: MessageSocket;
  readonly #clock: Clock;
  readonly #limits: Required<DeviceSocketLimits>;
  readonly #unread: RpcMessage[] = [];
  #reader: DeviceSocketReader | null = null;
  #closedWith: number | null = null;
  #allowance: number;
  #allowanceAt: number;
  #messagesDropped = 0;
  #heardSincePing = true;
  #pingTimer: Timer;

  constructor(socket: MessageSocket, clock: Clock, limits: DeviceSocketLimits = {}) {
    this.#socket = socket;
    this.#clock = clock;
    this.#limits = { ...defaults, ...limits };
    this.#allowance = this.#limits.burst;
    this.#allowanceAt = clock.now();
    this.#pingTimer = this.#pingLater();
    socket.on('message', (data, isBinary) => this.#take(data, isBinary));
    socket.on('pong', () => (this.#heardSincePing = true));
    socket.on('close', (code) => this.#closed(code));
    // 'close' follows; without a listener the process would end.
    socket.on('error', () => undefined);
  }

  get isClosed(): boolean {
    return this.#closedWith !== null;
  }

  get messagesDropped(): number {
    return this.#messagesDropped;
  }

  /** From now on the reader is told everything, beginning with what came before. */
  read(reader: DeviceSocketReader): void {
    this.#reader = reader;
    const unread = this.#unread.splice(0);
    // What is read may make the reader close it.
    for (const message of unread) if (this.#reader === reader) reader.onMessage(message);
    if (this.#reader === reader && this.#closedWith !== null) reader.onClosed(this.#closedWith);
  }

  send(text: string): void {
    if (this.isClosed) return;
    if (this.#socket.bufferedAmount > this.#limits.maxUnsentBytes) this.#socket.terminate();
    else this.#socket.send(text);
  }

  /** Closes with a code and a reason; the reader hears nothing more. Idempotent. */
  close(code: number, reason: string): void {
    if (this.isClosed) return;
    this.#reader = null;
    this.#end(code);
    this.#socket.close(code, reason);
  }

  #take(data: Buffer, isBinary: boolean): void {
    if (this.isClosed) return;
    this.#heardSincePing = true;
    if (!this.#isAllowed()) {
      this.#giveUp();
      return;
    }
    if (isBinary || data.length > this.#limits.maxMessageBytes) {
      this.#messagesDropped += 1;
      return;
    }
    const message = parseRpcMessage(data.toString('utf8'));
    if (message.kind === 'invalid') this.send(formatRpcError(message.id, message.code, message.reason));
    else if (this.#reader !== null) this.#reader.onMessage(message);
    else if (this.#unread.push(message) > this.#limits.maxUnread) this.#giveUp();
  }

  /** It says too much: as if it were lost, so that a device that means well can come back. */
  #giveUp(): void {
    const reader = this.#reader;
    this.close(closeCode.policyViolation, 'too many messages');
    reader?.onClosed(closeCode.policyViolation);
  }

  #isAllowed(): boolean {
    const now = this.#clock.now();
    const { burst, messagesPerSecond } = this.#limits;
    const regained = (Math.max(0, now - this.#allowanceAt) / 1000) * messagesPerSecond;
    this.#allowance = Math.min(burst, this.#allowance + regained);
    this.#allowanceAt = now;
    if (this.#allowance < 1) return false;
    this.#allowance -= 1;
    return true;
  }

  #pingLater(): Timer {
    return this.#clock.after(this.#limits.pingIntervalMs, () => {
      if (!this.#heardSincePing) {
        this.#socket.terminate();
        this.#closed(closeCode.lost);
        return;
      }
      this.#heardSincePing = false;
      this.#socket.ping();
      this.#pingTimer = this.#pingLater();
    });
  }

  #closed(code: number): void {
    if (this.isClosed) return;
    this.#end(code);
    this.#reader?.onClosed(code);
  }

  #end(code: number): void {
    this.#closedWith = code;
    this.#pingTimer.cancel();
    this.#unread.length = 0;
  }
}
