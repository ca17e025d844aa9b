/** Where FreeSWITCH’s outbound event sockets come to: one for each call that the dialplan hands over. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { waitFor } from './wait-for.js';

export class OutboundEventSocket {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly #received: string[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      const index = this.#sockets.push(socket) - 1;
      this.#received[index] = '';
      socket.on('data', (bytes) => (this.#received[index] += bytes.toString()));
      socket.on('error', () => undefined);
      socket.write('connect\n\n');
    });
  }

  static async open(): Promise<OutboundEventSocket> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OutboundEventSocket(server);
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** How many calls came. */
  get count(): number {
    return this.#sockets.length;
  }

  /** What FreeSWITCH says of the first call: its variables, as `name: value` lines. */
  channelData(): Promise<string> {
    return waitFor('FreeSWITCH hands over the call', () =>
      this.#received[0]?.includes('Event-Name: CHANNEL_DATA') ? this.#received[0] : null,
    );
  }

  /** Lets go of every call, and takes no more. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
