/** SIP over TCP, bare or with TLS: one listener, any number of connections. */
import type { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6, type Server, type Socket } from 'node:net';
import { defaultParseLimits } from '../message/parse-message.js';
import type { KeepAliveSettings } from './connection-keep-alive.js';
import { ConnectionRoom, type RoomLimits } from './connection-room.js';
import type { Flow } from './flow.js';
import { plainAddress } from './inbox.js';
import { ReceivingTransport, type ReceivingTransportOptions } from './receiving-transport.js';
import { plainStreams, type StreamSource, type StreamTarget } from './stream-source.js';
import { TcpFlow, type TcpFlowLimits } from './tcp-flow.js';
import type { BoundAddress, ListeningTransport, TransportStats } from './transport.js';

export interface TcpTransportOptions extends ReceivingTransportOptions, Partial<RoomLimits> {
  /** What is below the messages. Default: bare TCP. */
  readonly streams?: StreamSource;
  /** Open connections; where more come, those go that have come to nothing (`ConnectionRoom`). Default 4,096. */
  readonly maxConnections?: number;
  /** Open connections of one source. Default 1,024: a carrier's proxy may open many, one phone has one. */
  readonly maxConnectionsPerAddress?: number;
  /** A connection that brought no SIP message by then is closed, keep-alives or not. Default 30,000 ms. */
  readonly firstMessageTimeoutMs?: number;
  /** A peer that takes nothing of what it is sent for this long is cut off. Default 30,000 ms. */
  readonly stalledMs?: number;
  /** A connection without a byte in either direction, and without a call, is closed after this. Default 600,000 ms. */
  readonly idleTimeoutMs?: number;
  /** From the first byte of a message to its last; then the connection is closed. Default 10,000 ms. */
  readonly messageTimeoutMs?: number;
  /** Bytes waiting to be sent to a peer that does not read; then the connection is closed. Default 1 MiB. */
  readonly maxBufferedBytes?: number;
  /** Default 5,000 ms. */
  readonly connectTimeoutMs?: number;
  /** Bound to `::` it takes no IPv4. Default false. */
  readonly ipv6Only?: boolean;
  /** For connections that we opened, while they are in use. Default: none is kept alive. */
  readonly keepAlive?: KeepAliveSettings;
}

interface Connection {
  readonly socket: Socket;
  readonly key: string;
  /** Null until messages may go over it. */
  flow: TcpFlow | null;
}

/** SIP over TCP or TLS (RFC 3261 §18), with the CRLF keep-alive of RFC 5626 §4.4.1. */
export class TcpTransport extends ReceivingTransport implements ListeningTransport {
  readonly protocol: 'tcp' | 'tls';
  readonly isIpv6Only: boolean;
  readonly #streams: StreamSource;
  readonly #limits: TcpFlowLimits;
  readonly #connectTimeoutMs: number;
  readonly #keepAlive: KeepAliveSettings | null;
  readonly #room: ConnectionRoom<Connection>;
  /** All that are open, by their sockets: with TLS the bare ones of those that came in. */
  readonly #connections = new Map<Socket, Connection>();
  /** The newest connection to each peer, by `peerKey`. */
  readonly #byPeer = new Map<string, TcpFlow>();
  readonly #dialing = new Map<string, Promise<Flow>>();
  #server: Server | undefined;
  #bound: BoundAddress | undefined;
  #closed = false;

  constructor(options: TcpTransportOptions = {}) {
    super(options);
    this.#streams = options.streams ?? plainStreams;
    this.protocol = this.#streams.protocol;
    this.isIpv6Only = options.ipv6Only ?? false;
    this.#keepAlive = options.keepAlive ?? null;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 5_000;
    this.#limits = {
      firstMessageTimeoutMs: options.firstMessageTimeoutMs ?? 30_000,
      idleTimeoutMs: options.idleTimeoutMs ?? 600_000,
      messageTimeoutMs: options.messageTimeoutMs ?? 10_000,
      stalledMs: options.stalledMs ?? 30_000,
      maxBufferedBytes: options.maxBufferedBytes ?? 1_048_576,
      maxMessageBytes: options.limits?.maxMessageBytes ?? defaultParseLimits.maxMessageBytes,
    };
    this.#room = new ConnectionRoom({
      maxConnections: options.maxConnections ?? 4_096,
      maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? 1_024,
      sourceOf: options.sourceOf,
      standingOf: ({ flow }) => (flow === null ? 'stranger' : this.inbox.standingOf(flow)),
      evict: ({ socket, flow }) => {
        if (flow !== null) flow.drop();
        else {
          this.inbox.counters.connectionsDropped += 1;
          socket.destroy();
        }
      },
    });
  }

  get boundAddress(): BoundAddress | undefined {
    return this.#bound;
  }

  async listen(host: string, port: number): Promise<BoundAddress> {
    if (this.#server || this.#closed) throw new Error('this transport is already listening, or closed');
    const server = this.#streams.createServer({
      arrived: (socket) => this.#arrived(socket),
      ready: (stream, socket) => this.#ready(stream, socket),
    });
    this.#server = server;
    try {
      server.listen({ port, host, ipv6Only: this.isIpv6Only });
      await once(server, 'listening');
    } catch (error) {
      this.#server = undefined;
      throw error;
    }
    // Such as EMFILE on accept: the call that could not come in is lost, the others go on.
    server.on('error', () => (this.inbox.counters.connectionsRefused += 1));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('closed while binding');
    this.#bound = { address: address.address, port: address.port };
    return this.#bound;
  }

  async connect(host: string, port: number, serverName = host): Promise<Flow> {
    if (this.#closed) throw new Error('the transport is closed');
    const address = plainAddress(isIP(host) === 0 ? (await lookup(host)).address : host);
    const key = peerKey(address, port, this.protocol === 'tls' ? serverName : null);
    // Over TLS never one that came in: whoever opened it has not proven to be `serverName`.
    const known = this.#byPeer.get(key);
    if (known?.isOpen) return known;
    const dialing = this.#dialing.get(key);
    if (dialing) return dialing;
    const dialed = this.#dial({ host: address, port, serverName }, key).finally(() =>
      this.#dialing.delete(key),
    );
    this.#dialing.set(key, dialed);
    return dialed;
  }

  /** The certificate that came with the connection from there; null where none is open, or showed none that a trusted CA vouches for. */
  certificateFrom(address: string, port: number): X509Certificate | null {
    return this.#byPeer.get(peerKey(address, port, null))?.peerCertificate ?? null;
  }

  stats(): TransportStats {
    return { ...this.inbox.counters, connectionsOpen: this.#connections.size };
  }

  async close(): Promise<void> {
    this.#closed = true;
    const server = this.#server;
    this.#server = undefined;
    this.#bound = undefined;
    for (const socket of [...this.#connections.keys()]) socket.destroy();
    await Promise.allSettled(this.#dialing.values());
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #arrived(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress);
    if (this.#closed || this.inbox.isIgnored?.(address) === true || !this.#room.makeRoom(address)) {
      this.inbox.counters.connectionsRefused += 1;
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    this.#register(socket, peerKey(address, socket.remotePort ?? 0, null), false);
  }

  #ready(stream: Socket, socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || this.#closed) stream.destroy();
    else this.#adopt(stream, connection, null).closeUnlessHeard();
  }

  async #dial(target: Pick<StreamTarget, 'host' | 'port' | 'serverName'>, key: string): Promise<Flow> {
    if (!this.#room.makeRoom(target.host)) throw new Error('too many connections');
    const timeoutMs = this.#connectTimeoutMs;
    const stream = await this.#streams.connect({ ...target, ...this.#sourceFor(target.host), timeoutMs });
    const flow = this.#adopt(stream, this.#register(stream, key, true), this.#keepAlive);
    if (this.#closed) {
      flow.close();
      throw new Error('the transport is closed');
    }
    return flow;
  }

  /** Connections come from the address we listen on, so that the peer sees one host. */
  #sourceFor(host: string): { localAddress?: string } {
    const own = this.#bound?.address;
    const wildcard = own === undefined || own === '0.0.0.0' || own === '::';
    return wildcard || isIPv6(own) !== isIPv6(host) ? {} : { localAddress: own };
  }

  /** `isOurs`: we opened it. */
  #register(socket: Socket, key: string, isOurs: boolean): Connection {
    const connection: Connection = { socket, key, flow: null };
    this.#connections.set(socket, connection);
    this.#room.add(connection, plainAddress(socket.remoteAddress), isOurs);
    this.inbox.counters.connectionsOpened += 1;
    // 'close' always follows.
    socket.on('error', () => {});
    socket.once('close', () => {
      if (connection.flow === null) this.#forget(connection);
    });
    return connection;
  }

  #adopt(stream: Socket, connection: Connection, keepAlive: KeepAliveSettings | null): TcpFlow {
    const flow = new TcpFlow(this.protocol, stream, {
      inbox: this.inbox,
      limits: this.#limits,
      listener: this.listener,
      keepAlive,
      onHeard: () => this.#room.heard(connection),
      onClosed: () => this.#forget(connection),
    });
    connection.flow = flow;
    this.#byPeer.set(connection.key, flow);
    return flow;
  }

  #forget(connection: Connection): void {
    const { socket, key, flow } = connection;
    if (!this.#connections.delete(socket)) return;
    this.#room.remove(connection);
    if (this.#byPeer.get(key) === flow) this.#byPeer.delete(key);
    if (flow !== null) this.inbox.flowClosed(flow);
  }
}

/** `serverName`: whom the peer has proven to be; null for a connection without such a proof, or one that came in (RFC 5923 §5). */
function peerKey(address: string, port: number, serverName: string | null): string {
  return `${address} ${port} ${serverName?.toLowerCase() ?? ''}`;
}
