/** Upgrades that the server does not know are as if nobody had asked (RFC 9110 §7.8): `Upgrade: h2c` of curl and Java, and any other. */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionGuard } from './connection-guard.js';

/**
 * True for a request that wants to become a WebSocket, be it one wish among several. HTTP/1.0 knows no upgrades (RFC 9110 §7.8),
 * and only a GET can become one (RFC 6455 §4.1).
 */
export function wantsWebSocket({ headers, httpVersion, method }: IncomingMessage): boolean {
  const wishes = (headers.upgrade ?? '').split(',').map((wish) => wish.trim().toLowerCase());
  return method === 'GET' && httpVersion !== '1.0' && wishes.includes('websocket');
}

/** A client asks for an upgrade with the first request of a connection; some ask each time. */
const maxPerConnection = 100;

/** Answers requests as if their Upgrade field were not there. Node reads no body, and makes no response, where it sees one. */
export class IgnoredUpgrades {
  readonly #server: Server;
  /** How many were ignored on each connection: what stands behind each is read anew. */
  readonly #ignored = new WeakMap<Socket, number>();
  readonly #connections: ConnectionGuard;

  constructor(server: Server, connections: ConnectionGuard) {
    this.#server = server;
    this.#connections = connections;
  }

  /**
   * Gives the connection back to the server, with the request as it came and what came behind it (`behind`). With the last that a
   * connection may ask for it is closed.
   */
  serve(request: IncomingMessage, behind: Buffer): void {
    const { socket } = request;
    const count = (this.#ignored.get(socket) ?? 0) + 1;
    this.#ignored.set(socket, count);
    const isLast = count >= maxPerConnection;
    const giveBack = () => {
      if (socket.destroyed) return;
      // The server adds its own anew; an error without one would end the process until then.
      for (const event of ['timeout', 'error']) socket.removeAllListeners(event);
      const head = headWithoutUpgrade(request, isLast);
      socket.unshift(isLast ? head : Buffer.concat([head, behind]));
      this.#server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
    };
    // Before the answer to the request in front is through, this one has to wait.
    const before = this.#connections.underWay(socket);
    if (before === null) giveBack();
    else before.once('close', giveBack);
  }
}

function headWithoutUpgrade(request: IncomingMessage, isLast: boolean): Buffer {
  const { method = '', url = '', httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`, ...(isLast ? ['Connection: close'] : [])];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}:${value}`);
  }
  // As Node reads them, and without a blank more: they were as long as they may be.
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
