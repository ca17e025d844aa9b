/** WebSockets on the HTTP port: each path belongs to a door. What fits none is answered 404 on the socket. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { answerOnSocket } from './bare-answer.js';
import { clientAddressBehind } from './client-address.js';
import { InvalidRequest, RestError } from './rest-error.js';

export interface WebSocketRoute {
  readonly path: string;
  /** Required of the client and chosen by us; undefined where the protocol has none. */
  readonly subprotocol?: string;
  readonly maxPayloadBytes: number;
  /** `clientAddress` is the caller's, also behind a trusted proxy. */
  readonly accept: (socket: WebSocket, request: IncomingMessage, clientAddress: string) => void;
}

export interface WebSocketUpgrades {
  /** Refuses new sockets and cuts those that are open. */
  close(): void;
}

/** `trustedProxies`: addresses or networks whose X-Forwarded-For is believed. */
export function handleUpgrades(
  server: Server,
  routes: readonly WebSocketRoute[],
  trustedProxies: readonly string[] = [],
): WebSocketUpgrades {
  const clientAddress = clientAddressBehind(trustedProxies);
  const servers = new Map(
    routes.map((route) => [
      route.path,
      {
        route,
        server: new WebSocketServer({
          noServer: true,
          // SIP messages are short and many; deflating them costs memory per socket and buys little.
          perMessageDeflate: false,
          maxPayload: route.maxPayloadBytes,
          handleProtocols: (offered) => {
            const { subprotocol } = route;
            return subprotocol !== undefined && offered.has(subprotocol) ? subprotocol : false;
          },
        }),
      },
    ]),
  );
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node leaves a socket without a listener to crash the process on a reset.
    socket.on('error', () => socket.destroy());
    const path = request.url?.split('?', 1)[0] ?? '';
    const entry = servers.get(path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);
    if (entry === undefined) {
      answerOnSocket(socket, new RestError('route-not-found', 'No WebSocket is taken at this path'));
      return;
    }
    const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
    if (entry.route.subprotocol !== undefined && !offered.includes(entry.route.subprotocol)) {
      answerOnSocket(
        socket,
        new InvalidRequest('Sec-WebSocket-Protocol', `must offer ${entry.route.subprotocol}`),
      );
      return;
    }
    entry.server.handleUpgrade(request, socket, head, (webSocket) =>
      entry.route.accept(webSocket, request, clientAddress(request)),
    );
  };
  server.on('upgrade', upgrade);
  return {
    close() {
      server.off('upgrade', upgrade);
      for (const { server: webSockets } of servers.values()) {
        for (const client of webSockets.clients) client.terminate();
        webSockets.close();
      }
    },
  };
}
