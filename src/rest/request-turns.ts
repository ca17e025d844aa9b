/**
 * Lets calls have their turn while requests come in plenty. Node hands over all that stands ready on every connection before it
 * looks at any other socket, a thousand connections' pipelines in one go: so a few requests are served in one turn of the event
 * loop, and the others wait, each client's address in its own queue, of which each has its turn.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sourceOf } from '../domain/address-source.js';

interface Waiting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface RequestTurnsOptions {
  readonly perTurn: number;
  /** The client's address, also behind a proxy. */
  readonly clientAddress: (request: IncomingMessage) => string;
}

export class RequestTurns {
  readonly #options: RequestTurnsOptions;
  readonly #serve: (request: IncomingMessage, response: ServerResponse) => void;
  /** By address, in the order of their turns. Empty ones are not kept. */
  readonly #queues = new Map<string, Waiting[]>();
  #servedInTurn = 0;
  #isTurnDue = false;

  constructor(
    options: RequestTurnsOptions,
    serve: (request: IncomingMessage, response: ServerResponse) => void,
  ) {
    this.#options = options;
    this.#serve = serve;
  }

  /** Serves it at once where this turn has room and nobody waits, else in its turn. Those of one address keep their order. */
  take(request: IncomingMessage, response: ServerResponse): void {
    this.#awaitTurn();
    if (this.#queues.size === 0 && this.#servedInTurn < this.#options.perTurn) {
      this.#servedInTurn += 1;
      this.#serve(request, response);
      return;
    }
    const source = sourceOf(this.#options.clientAddress(request));
    const queue = this.#queues.get(source);
    if (queue === undefined) this.#queues.set(source, [{ request, response }]);
    else queue.push({ request, response });
  }

  #awaitTurn(): void {
    if (this.#isTurnDue) return;
    this.#isTurnDue = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isTurnDue = false;
    this.#servedInTurn = 0;
    while (this.#servedInTurn < this.#options.perTurn) {
      const next = this.#next();
      if (next === null) break;
      // The client is gone.
      if (next.request.socket.destroyed) continue;
      this.#servedInTurn += 1;
      this.#serve(next.request, next.response);
    }
    if (this.#queues.size > 0) this.#awaitTurn();
  }

  #next(): Waiting | null {
    for (const [source, queue] of this.#queues) {
      const next = queue.shift();
      this.#queues.delete(source);
      if (queue.length > 0) this.#queues.set(source, queue);
      return next ?? null;
    }
    return null;
  }
}
