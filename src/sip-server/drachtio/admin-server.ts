/** The admin port: where drachtio applications connect. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { BoundAddress } from '../transport/transport.js';
import { AdminSession, type AdminSessionOptions } from './admin-session.js';
import { connectInProcess } from './in-process-socket.js';

export interface AdminServerOptions extends Omit<AdminSessionOptions, 'ended'> {
  readonly maxClients: number;
}

/** Listens for drachtio clients. */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #server: Server;
  readonly #sessions = new Set<AdminSession>();
  #isClosed = false;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = options.maxClients;
  }

  /** Clients that have shown the secret. */
  get clientCount(): number {
    return [...this.#sessions].filter((session) => session.isAuthenticated).length;
  }

  /** A client of this process: the other end of its connection, where it shows the secret as any other. Destroyed where this is closed. */
  connect(): Socket {
    const [near, far] = connectInProcess();
    if (this.#isClosed) far.destroy();
    else this.#accept(near);
    return far;
  }

  /** Rejects with the system's error (`EADDRINUSE`). */
  async listen(host: string, port: number): Promise<BoundAddress> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#server.on('error', (error) => this.#options.logger.error({ error }, 'drachtio listener failed'));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('closed while binding');
    return { address: address.address, port: address.port };
  }

  /** Ends every client; idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const session of [...this.#sessions]) session.close();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const session = new AdminSession(socket, {
      ...this.#options,
      ended: (ended) => this.#sessions.delete(ended),
    });
    this.#sessions.add(session);
  }
}
