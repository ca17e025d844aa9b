/** Receives webhooks on a real port, and behaves as badly as a test wants. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hangMs, waitFor } from './wait-for.js';

export interface ReceivedMessage {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly id: string;
  readonly attempt: number;
  readonly body: string;
  readonly json: Record<string, unknown>;
  /** What it was answered; null: nothing. */
  readonly status: number | null;
}

/** A status to answer, or what else to do: never answer, cut the connection, point elsewhere. */
export type Behaviour = number | 'hang' | 'reset' | { readonly redirect: string };

export class WebhookReceiver {
  readonly received: ReceivedMessage[] = [];
  behaviour: (message: Omit<ReceivedMessage, 'status'>) => Behaviour = () => 204;
  readonly #server = createServer((request, response) => void this.#take(request, response));
  #port = 0;

  static async start(behaviour?: Behaviour): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    if (behaviour !== undefined) receiver.behaviour = () => behaviour;
    await receiver.listen();
    return receiver;
  }

  /** Again at the same port after `die`. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Nobody listens at the port any more. */
  async die(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.die();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  get port(): number {
    return this.#port;
  }

  /** Those that were answered with success. */
  get taken(): ReceivedMessage[] {
    return this.received.filter(({ status }) => status !== null && status < 300);
  }

  async waitFor(
    what: string,
    fits: (receiver: this) => boolean,
    timeoutMs = hangMs,
  ): Promise<readonly ReceivedMessage[]> {
    await waitFor(what, () => fits(this), { timeoutMs, everyMs: 5 }).catch((error: unknown) => {
      const seen = this.received.map(
        ({ json, status }) => `${String(json['type'] ?? json['event'])}:${status}`,
      );
      throw new Error(`${String(error)}; received: ${seen.join(' ')}`, { cause: error });
    });
    return this.received;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    try {
      for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
    } catch {
      return;
    }
    const message = {
      path: request.url ?? '',
      headers: request.headers,
      id: String(request.headers['landbridge-event-id']),
      attempt: Number(request.headers['landbridge-delivery-attempt']),
      body,
      json: JSON.parse(body) as Record<string, unknown>,
    };
    const behaviour = this.behaviour(message);
    this.received.push({ ...message, status: typeof behaviour === 'number' ? behaviour : null });
    if (behaviour === 'reset') request.socket.resetAndDestroy();
    else if (typeof behaviour === 'number') response.writeHead(behaviour).end();
    else if (behaviour !== 'hang') response.writeHead(307, { location: behaviour.redirect }).end();
  }
}
