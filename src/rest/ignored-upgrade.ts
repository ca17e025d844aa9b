/** Upgrades that the server does not know are as if nobody had asked (RFC 9110 §7.8): `Upgrade: h2c` of curl and Java, and any other. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * True for a request that wants to become a WebSocket, be it one wish among several. HTTP/1.0 knows no upgrades (RFC 9110 §7.8).
 */
export function wantsWebSocket({ headers, httpVersion }: IncomingMessage): boolean {
  const wishes = (headers.upgrade ?? '').split(',').map((wish) => wish.trim().toLowerCase());
  return httpVersion !== '1.0' && wishes.includes('websocket');
}

/** Answers requests as if their Upgrade field were not there. Node reads no body, and makes no response, where it sees one. */
export class IgnoredUpgrades {
  readonly #server: Server;
  /** The last response that was begun on a connection: before it is through, the next request has to wait. */
  readonly #underWay = new WeakMap<Socket, ServerResponse>();

  constructor(server: Server) {
    this.#server = server;
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.#underWay.set(socket, response);
      response.once('close', () => {
        if (this.#underWay.get(socket) === response) this.#underWay.delete(socket);
      });
    });
  }

  /** Gives the connection back to the server, with the request as it came and what came behind it (`behind`). */
  serve(request: IncomingMessage, behind: Buffer): void {
    const { socket } = request;
    const giveBack = () => {
      if (socket.destroyed) return;
      // The server adds its own anew; an error without one would end the process until then.
      for (const event of ['timeout', 'error']) socket.removeAllListeners(event);
      socket.unshift(Buffer.concat([headWithoutUpgrade(request), behind]));
      this.#server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
    };
    const before = this.#underWay.get(socket);
    if (before === undefined) giveBack();
    else before.once('close', giveBack);
  }
}

function headWithoutUpgrade({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${value}`);
  }
  // As Node reads them.
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
