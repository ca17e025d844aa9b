/**
 * Requests that a client sends ahead, without waiting for the answers to those before them (RFC 9112 §9.3.2). Node hands over
 * whatever stands in what it read, more than a thousand at once, while nobody else gets a turn: so a connection may have some
 * under way, and one that wants more is cut off. They are served one after the other: an answer that waits behind another holds a
 * file open for as long as the client likes, and is never told that the client left.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface RequestsAheadOptions {
  /** Requests of one connection without an answer. */
  readonly max: number;
  /** Told of each as it comes. */
  readonly onTaken: (request: IncomingMessage, response: ServerResponse) => void;
  /** Told of each when those before it are answered. */
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export class RequestsAhead {
  readonly #options: RequestsAheadOptions;
  /** In their order; the first is being served. */
  readonly #unanswered = new WeakMap<Socket, Exchange[]>();

  constructor(options: RequestsAheadOptions) {
    this.#options = options;
  }

  /** Serves it in its turn; where it is one too many, its connection is cut off. */
  take(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    // What else stood in what was read of a connection that was cut off.
    if (socket.destroyed) return;
    const unanswered = this.#unanswered.get(socket) ?? [];
    if (unanswered.length >= this.#options.max) {
      socket.destroy();
      return;
    }
    this.#unanswered.set(socket, unanswered);
    unanswered.push({ request, response });
    response.once('close', () => {
      unanswered.shift();
      const [next] = unanswered;
      // After an answer that ends the connection no other goes out: Node gives it no socket.
      if (next !== undefined && next.response.socket !== null) this.#serve(next);
    });
    this.#options.onTaken(request, response);
    if (unanswered.length === 1) this.#serve({ request, response });
  }

  #serve({ request, response }: Exchange): void {
    if (!request.socket.destroyed) this.#options.serve(request, response);
  }
}
