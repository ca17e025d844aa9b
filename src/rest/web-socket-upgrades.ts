/** WebSockets on the HTTP port: each path belongs to a door. What fits none is answered 404 on the socket; other upgrades are ignored. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from 'ws';
import { sourceOf } from '../domain/address-source.js';
import { answerOnSocket } from './bare-answer.js';
import { clientAddressBehind } from './client-address.js';
import { hostProblem } from './host-field.js';
import type { HttpServer } from './http-server.js';
import { IgnoredUpgrades, wantsWebSocket } from './ignored-upgrade.js';
import { InvalidRequest, RestError } from './rest-error.js';

export interface WebSocketRoute {
  readonly path: string;
  /** Required of the client and chosen by us; undefined where the protocol has none. */
  readonly subprotocol?: string;
  readonly maxPayloadBytes: number;
  /** `clientAddress` is the caller's, also behind a trusted proxy. */
  readonly accept: (socket: WebSocket, request: IncomingMessage, clientAddress: string) => void;
  /** Whether an accepted one has come to nothing so far, so that it may be cut off to make room for others. Default: none may. */
  readonly isPassive?: (socket: WebSocket) => boolean;
}

export interface WebSocketUpgrades {
  /** Refuses new sockets and cuts those that are open. */
  close(): void;
}

export interface UpgradeOptions {
  /** Addresses or networks whose X-Forwarded-For is believed. Default none. */
  readonly trustedProxies?: readonly string[];
  /** WebSockets of one client, also behind a trusted proxy. Default 500. */
  readonly maxConnectionsPerAddress?: number;
  /** A client that does not close its side of a WebSocket that we closed, or refused, is cut off after this. Default 2. */
  readonly lingerSeconds?: number;
}

/** Each costs some memory until its message is whole, however short it is. Clients send messages whole, or in pieces of many kB. */
const maxFragments = 256;

interface Entry {
  readonly route: WebSocketRoute;
  readonly server: WebSocketServer;
}

export function handleUpgrades(
  server: HttpServer,
  routes: readonly WebSocketRoute[],
  options: UpgradeOptions = {},
): WebSocketUpgrades {
  const { maxConnectionsPerAddress = 500, lingerSeconds = 2 } = options;
  const lingerMs = lingerSeconds * 1000;
  const clientAddress = clientAddressBehind(options.trustedProxies ?? []);
  const entries = new Map(routes.map((route) => [route.path, entryOf(route, lingerMs)]));
  const ignored = new IgnoredUpgrades(server.server, server.connections);
  const openOf = new Map<string, number>();

  const refusalOf = (entry: Entry | undefined, request: IncomingMessage): RestError | null => {
    const problem = hostProblem(request);
    if (problem !== null) return new RestError('unreadable-request', problem);
    if (entry === undefined) return new RestError('route-not-found', 'No WebSocket is taken at this path');
    const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
    const { subprotocol } = entry.route;
    if (subprotocol !== undefined && !offered.includes(subprotocol))
      return new InvalidRequest('Sec-WebSocket-Protocol', `must offer ${subprotocol}`);
    const open = openOf.get(sourceOf(clientAddress(request))) ?? 0;
    if (open < maxConnectionsPerAddress) return null;
    return new RestError('too-many-connections', 'Too many WebSockets are open from this address');
  };
  const count = (socket: WebSocket, source: string) => {
    openOf.set(source, (openOf.get(source) ?? 0) + 1);
    socket.once('close', () => {
      const left = (openOf.get(source) ?? 1) - 1;
      if (left > 0) openOf.set(source, left);
      else openOf.delete(source);
    });
  };
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Node leaves a socket without a listener to crash the process on a reset: also while it waits for its turn.
    socket.on('error', () => socket.destroy());
    const path = request.url?.split('?', 1)[0] ?? '';
    const entry = entries.get(path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);
    // Who forgot the path should learn it; without a key it is no client that could become a WebSocket.
    const isMeant = entry !== undefined || request.headers['sec-websocket-key'] !== undefined;
    if (!isMeant || !wantsWebSocket(request)) {
      ignored.serve(request, head);
      return;
    }
    const refusal = refusalOf(entry, request);
    if (entry === undefined || refusal !== null) {
      if (refusal !== null) answerOnSocket(socket, refusal, lingerMs);
      return;
    }
    // A client may offer several protocols; this is the one that we take.
    request.headers.upgrade = 'websocket';
    entry.server.handleUpgrade(request, socket, head, (webSocket) => {
      const address = clientAddress(request);
      // Frames that break the rules close it; unheard, their error would end the process.
      webSocket.on('error', () => undefined);
      const { isPassive } = entry.route;
      server.connections.upgraded(socket, isPassive && (() => isPassive(webSocket)));
      count(webSocket, sourceOf(address));
      entry.route.accept(webSocket, request, address);
    });
  };
  server.server.on('upgrade', upgrade);
  return {
    close() {
      server.server.off('upgrade', upgrade);
      for (const { server: webSockets } of entries.values()) {
        for (const client of webSockets.clients) client.terminate();
        webSockets.close();
      }
    },
  };
}

function entryOf(route: WebSocketRoute, closeTimeout: number): Entry {
  const { subprotocol } = route;
  // The types of `ws` do not know these yet.
  const options: ServerOptions & { closeTimeout: number; maxFragments: number } = {
    noServer: true,
    // SIP messages are short and many; deflating them costs memory per socket and buys little.
    perMessageDeflate: false,
    maxPayload: route.maxPayloadBytes,
    closeTimeout,
    maxFragments,
    handleProtocols: (offered) =>
      subprotocol !== undefined && offered.has(subprotocol) ? subprotocol : false,
  };
  const server = new WebSocketServer(options);
  // Without a listener it answers by itself, in a form of its own.
  server.on('wsClientError', ({ message }, socket) => {
    const headers = { 'Sec-WebSocket-Version': '13' };
    answerOnSocket(socket, new RestError('invalid-request', message, { headers }), closeTimeout);
  });
  return { route, server };
}
