/** The far end of a `ws` WebSocket as a test plays it. */
import { EventEmitter } from 'node:events';
import type { MessageSocket } from '../../src/doors/bandwidth/device-socket.js';

interface SentMessage {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string };
}

export class FakeWebSocket extends EventEmitter implements MessageSocket {
  /** What the gateway sent, read. */
  readonly sent: SentMessage[] = [];
  closedWith: readonly [code: number, reason: string] | null = null;
  isTerminated = false;
  bufferedAmount = 0;
  pings = 0;
  #nextId = 1;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as SentMessage);
  }

  ping(): void {
    this.pings += 1;
  }

  close(code: number, reason: string): void {
    this.closedWith = [code, reason];
  }

  terminate(): void {
    this.isTerminated = true;
  }

  /** The far end sends a frame. */
  receives(text: string, isBinary = false): void {
    this.emit('message', Buffer.from(text), isBinary);
  }

  /** The far end notifies. */
  says(method: string, params?: unknown): void {
    this.receives(JSON.stringify({ jsonrpc: '2.0', method, params }));
  }

  /** The far end asks, and is given the answer. */
  async asks(method: string, params: unknown = {}): Promise<SentMessage> {
    const id = this.#nextId++;
    this.receives(JSON.stringify({ jsonrpc: '2.0', method, params, id }));
    for (let turn = 0; turn < 100; turn++) {
      const answer = this.sent.find((message) => message.id === id);
      if (answer !== undefined) return answer;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`${method} was not answered`);
  }

  /** The offers it was sent so far. */
  get offers(): readonly Readonly<Record<string, unknown>>[] {
    return this.sent.flatMap(({ method, params }) =>
      method === 'sdpOffer' && params !== undefined ? [params] : [],
    );
  }
}
