/**
 * Requests that a client sends ahead, without waiting for the answers to those before them (RFC 9112 §9.3.2). Node hands over
 * whatever stands in what it read, more than a thousand at once, while nobody else gets a turn: so a connection may have some under
 * way, and one that wants more is cut off.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export class RequestsAhead {
  readonly #max: number;
  readonly #unanswered = new WeakMap<Socket, number>();

  /** `max`: requests of one connection without an answer. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Whether this request is to be served; where it is one too many, its connection is gone. */
  takes({ socket }: IncomingMessage, response: ServerResponse): boolean {
    // What else stood in what was read of a connection that was cut off.
    if (socket.destroyed) return false;
    const unanswered = this.#unanswered.get(socket) ?? 0;
    if (unanswered >= this.#max) {
      socket.destroy();
      return false;
    }
    this.#unanswered.set(socket, unanswered + 1);
    response.once('close', () => this.#unanswered.set(socket, (this.#unanswered.get(socket) ?? 1) - 1));
    return true;
  }
}
