/** SIP over TCP, bare or with TLS: one listener, any number of connections. */
import { once } from 'node:events';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6, type Server, type Socket } from 'node:net';
import { defaultParseLimits } from '../message/parse-message.js';
import type { Flow } from './flow.js';
import { plainAddress, type InboxOptions } from './inbox.js';
import { ReceivingTransport } from './receiving-transport.js';
import { plainStreams, type StreamSource, type StreamTarget } from './stream-source.js';
import { TcpFlow } from './tcp-flow.js';
import type { BoundAddress, ListeningTransport, TransportStats } from './transport.js';

export interface TcpTransportOptions extends InboxOptions {
  /** What is below the messages. Default: bare TCP. */
  readonly streams?: StreamSource;
  /** Open connections; more are turned away. Default 4,096. */
  readonly maxConnections?: number;
  /** Open connections from one address. Default 1,024: a carrier's proxy may open many, one phone has one. */
  readonly maxConnectionsPerAddress?: number;
  /** A connection without a byte in either direction, and without a call, is closed after this. Default 600,000 ms. */
  readonly idleTimeoutMs?: number;
  /** From the first byte of a message to its last; then the connection is closed. Default 10,000 ms. */
  readonly messageTimeoutMs?: number;
  /** Bytes waiting to be sent to a peer that does not read; then the connection is closed. Default 1 MiB. */
  readonly maxBufferedBytes?: number;
  /** Default 5,000 ms. */
  readonly connectTimeoutMs?: number;
}

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  readonly key: string;
  /** Null until messages may go over it. */
  flow: TcpFlow | null;
}

/** SIP over TCP or TLS (RFC 3261 §18), with the CRLF keep-alive of RFC 5626 §4.4.1. */
export class TcpTransport extends ReceivingTransport implements ListeningTransport {
  readonly protocol: 'tcp' | 'tls';
  readonly #streams: StreamSource;
  readonly #options: Required<Omit<TcpTransportOptions, keyof InboxOptions | 'streams'>> & {
    readonly maxMessageBytes: number;
  };
  /** All that are open, by their sockets: with TLS the bare ones of those that came in. */
  readonly #connections = new Map<Socket, Connection>();
  /** The newest connection to each peer, by `peerKey`. */
  readonly #byPeer = new Map<string, TcpFlow>();
  readonly #connectionsOf = new Map<string, number>();
  readonly #dialing = new Map<string, Promise<Flow>>();
  #server: Server | undefined;
  #bound: BoundAddress | undefined;
  #closed = false;

  constructor(options: TcpTransportOptions = {}) {
    super(options);
    this.#streams = options.streams ?? plainStreams;
    this.protocol = this.#streams.protocol;
    this.#options = {
      maxConnections: options.maxConnections ?? 4_096,
      maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? 1_024,
      idleTimeoutMs: options.idleTimeoutMs ?? 600_000,
      messageTimeoutMs: options.messageTimeoutMs ?? 10_000,
      maxBufferedBytes: options.maxBufferedBytes ?? 1_048_576,
      connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
      maxMessageBytes: options.limits?.maxMessageBytes ?? defaultParseLimits.maxMessageBytes,
    };
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
      server.listen(port, host);
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
    const known = this.#byPeer.get(key) ?? this.#byPeer.get(peerKey(address, port, null));
    if (known?.isOpen) return known;
    const dialing = this.#dialing.get(key);
    if (dialing) return dialing;
    const dialed = this.#dial({ host: address, port, serverName }, key).finally(() =>
      this.#dialing.delete(key),
    );
    this.#dialing.set(key, dialed);
    return dialed;
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
    const full = this.#connections.size >= this.#options.maxConnections;
    const fullForOne = (this.#connectionsOf.get(address) ?? 0) >= this.#options.maxConnectionsPerAddress;
    if (full || fullForOne || this.#closed) {
      this.inbox.counters.connectionsRefused += 1;
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    this.#register(socket, peerKey(address, socket.remotePort ?? 0, null));
  }

  #ready(stream: Socket, socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || this.#closed) stream.destroy();
    else this.#adopt(stream, connection);
  }

  async #dial(target: Pick<StreamTarget, 'host' | 'port' | 'serverName'>, key: string): Promise<Flow> {
    if (this.#connections.size >= this.#options.maxConnections) throw new Error('too many connections');
    const timeoutMs = this.#options.connectTimeoutMs;
    const stream = await this.#streams.connect({ ...target, ...this.#sourceFor(target.host), timeoutMs });
    const flow = this.#adopt(stream, this.#register(stream, key));
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

  #register(socket: Socket, key: string): Connection {
    const connection: Connection = { socket, address: plainAddress(socket.remoteAddress), key, flow: null };
    const { address } = connection;
    this.#connections.set(socket, connection);
    this.#connectionsOf.set(address, (this.#connectionsOf.get(address) ?? 0) + 1);
    this.inbox.counters.connectionsOpened += 1;
    // 'close' always follows.
    socket.on('error', () => {});
    socket.once('close', () => {
      if (connection.flow === null) this.#forget(connection);
    });
    return connection;
  }

  #adopt(stream: Socket, connection: Connection): TcpFlow {
    const flow = new TcpFlow(this.protocol, stream, {
      inbox: this.inbox,
      limits: this.#options,
      onClosed: () => this.#forget(connection),
    });
    connection.flow = flow;
    this.#byPeer.set(connection.key, flow);
    return flow;
  }

  #forget({ socket, address, key, flow }: Connection): void {
    if (!this.#connections.delete(socket)) return;
    if (this.#byPeer.get(key) === flow) this.#byPeer.delete(key);
    const left = (this.#connectionsOf.get(address) ?? 1) - 1;
    if (left > 0) this.#connectionsOf.set(address, left);
    else this.#connectionsOf.delete(address);
    if (flow !== null) this.inbox.flowClosed(flow);
  }
}

/** `serverName`: whom the peer has proven to be; null for a connection without such a proof, or one that came in (RFC 5923 §5). */
function peerKey(address: string, port: number, serverName: string | null): string {
  return `${address} ${port} ${serverName?.toLowerCase() ?? ''}`;
}
