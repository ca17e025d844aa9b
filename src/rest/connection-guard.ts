/**
 * Keeps the HTTP port open to all while somebody holds connections that ask for nothing. A connection is passive as long as the
 * gateway owes it nothing: nothing came, half a request, everything is answered, or the client does not fetch what it was sent; of
 * a WebSocket its door says. Where there is no room, the oldest passive one makes room; where none is passive, the newcomer is
 * cut off.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { sourceOf } from '../domain/address-source.js';
import { NetworkList } from '../domain/network-list.js';

export interface ConnectionLimits {
  /** Open at once. */
  readonly maxConnections: number;
  /** Open at once from one address; trusted proxies may have more. */
  readonly maxConnectionsPerAddress: number;
  /** Addresses or networks. */
  readonly trustedProxies: readonly string[];
  /** A client that takes nothing of its answer for this long is cut off. */
  readonly stalledMs: number;
}

interface Connection {
  readonly socket: Socket;
  /** What HTTP is spoken on: with TLS another than the socket. */
  stream: Socket;
  /** Address and port. */
  readonly peer: string;
  /** Null for a trusted proxy. */
  readonly source: string | null;
  /** The last that was to be served. */
  request: IncomingMessage | null;
  /** That to the last request, until it is through. */
  response: ServerResponse | null;
  /** Whether a WebSocket came to nothing so far; null where it is none, or never makes room for others. */
  isPassive: (() => boolean) | null;
}

export class ConnectionGuard {
  readonly #limits: ConnectionLimits;
  readonly #trustedProxies: NetworkList;
  /** By their sockets; with TLS the bare ones. */
  readonly #connections = new Map<Duplex, Connection>();
  /** Those whose TLS handshake is not done, by the peer's address and port: Node does not say which bare socket became which. */
  readonly #shakingHands = new Map<string, Connection>();
  /** By the sockets that TLS made of theirs. */
  readonly #secured = new WeakMap<Duplex, Connection>();
  readonly #isTls: boolean;
  /** All but the WebSockets that never go, by when they were last heard or found at work, the oldest first. */
  readonly #evictable = new Set<Connection>();
  /** All of each source, in the same order. */
  readonly #bySource = new Map<string, Set<Connection>>();

  constructor(server: Server, limits: ConnectionLimits) {
    this.#limits = limits;
    this.#trustedProxies = new NetworkList(limits.trustedProxies);
    server.setTimeout(limits.stalledMs);
    server.on('connection', (socket: Socket) => this.#admit(socket));
    this.#isTls = 'setSecureContext' in server;
    server.on('secureConnection', (socket: Socket) => this.#secure(socket));
    // With a listener Node leaves it to us what a silent socket means.
    server.on('timeout', (socket: Socket) => this.#silent(socket));
  }

  /** It became a WebSocket: it counts on, and makes room for others where `isPassive` says so; without that never. */
  upgraded(socket: Duplex, isPassive: (() => boolean) | undefined): void {
    const connection = this.#of(socket);
    if (connection === undefined) return;
    if (isPassive === undefined) this.#evictable.delete(connection);
    else connection.isPassive = isPassive;
  }

  /** Cuts off every connection that never brought a request: Node does not count such a one as idle. */
  endUnused(): void {
    for (const { socket, request, isPassive } of this.#evictable)
      if (request === null && isPassive === null) socket.destroy();
  }

  #admit(socket: Socket): void {
    // The server was given it back, with a request in it that was taken for an upgrade.
    if (this.#connections.has(socket)) return;
    const address = socket.remoteAddress ?? '';
    const source = this.#trustedProxies.has(address) ? null : sourceOf(address);
    const ofSource = (source === null ? undefined : this.#bySource.get(source)) ?? new Set();
    const hasRoom =
      (ofSource.size < this.#limits.maxConnectionsPerAddress || this.#makeRoom(ofSource)) &&
      (this.#connections.size < this.#limits.maxConnections || this.#makeRoom(this.#evictable));
    if (!hasRoom) {
      socket.destroy();
      return;
    }
    const connection: Connection = {
      ...{ socket, stream: socket, peer: peerOf(socket), source },
      ...{ request: null, response: null, isPassive: null },
    };
    this.#connections.set(socket, connection);
    if (this.#isTls) this.#shakingHands.set(connection.peer, connection);
    this.#evictable.add(connection);
    if (source !== null) this.#bySource.set(source, ofSource.add(connection));
    socket.once('close', () => this.#forget(connection));
  }

  #secure(socket: Socket): void {
    const peer = peerOf(socket);
    const connection = this.#shakingHands.get(peer);
    if (connection === undefined) return;
    this.#shakingHands.delete(peer);
    this.#secured.set(socket, connection);
    connection.stream = socket;
  }

  #of(socket: Duplex): Connection | undefined {
    return this.#secured.get(socket) ?? this.#connections.get(socket);
  }

  /** A request is to be served. */
  asked(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#of(request.socket);
    if (connection === undefined) return;
    connection.request = request;
    connection.response = response;
    this.#heard(connection);
    response.once('close', () => {
      if (connection.response === response) connection.response = null;
      this.#heard(connection);
    });
  }

  /** The answer to the last request that was begun on the connection and is not through; null where there is none. */
  underWay(socket: Duplex): ServerResponse | null {
    return this.#of(socket)?.response ?? null;
  }

  /** It is the youngest now. */
  #heard(connection: Connection): void {
    const ofSource = connection.source === null ? undefined : this.#bySource.get(connection.source);
    for (const set of [this.#evictable, ofSource]) if (set?.delete(connection) === true) set.add(connection);
  }

  /** Cuts off the oldest passive connection, if there is one. */
  #makeRoom(connections: ReadonlySet<Connection>): boolean {
    // Those found at work are put behind the others, where they have been looked at.
    let left = connections.size;
    for (const connection of connections) {
      if (left === 0) break;
      left -= 1;
      if (!this.#evictable.has(connection)) continue;
      if (!isPassive(connection)) {
        this.#heard(connection);
        continue;
      }
      connection.socket.destroy();
      this.#forget(connection);
      return true;
    }
    return false;
  }

  /** Nothing went in or out for a while. A request that is not whole has its own time-out, and a handler may be at work. */
  #silent(socket: Socket): void {
    const connection = this.#of(socket);
    const isWhole = connection?.request?.complete === true;
    const isAnswered = isWhole && (connection.response === null || connection.response.writableEnded);
    if (socket.writableLength > 0 || isAnswered) socket.destroy();
  }

  #forget(connection: Connection): void {
    const { socket, source, peer } = connection;
    if (!this.#connections.delete(socket)) return;
    if (this.#shakingHands.get(peer) === connection) this.#shakingHands.delete(peer);
    this.#evictable.delete(connection);
    if (source === null) return;
    const ofSource = this.#bySource.get(source);
    ofSource?.delete(connection);
    if (ofSource?.size === 0) this.#bySource.delete(source);
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? 0}`;
}

/** The last request counts where a client sends them without waiting for the answers: its answer comes last, too. */
function isPassive({ isPassive: doorSays, request, response, stream }: Connection): boolean {
  if (doorSays !== null) return doorSays();
  // However little it reads at a time, and so is never silent.
  if (stream.writableLength > 0) return true;
  return request === null || response === null || !request.complete || response.writableEnded;
}
