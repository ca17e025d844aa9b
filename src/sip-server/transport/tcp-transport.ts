/** SIP over TCP: one listener, any number of connections. */
import { once } from 'node:events';
import { lookup } from 'node:dns/promises';
import { createConnection, createServer, isIP, isIPv6, type Server, type Socket } from 'node:net';
import { defaultParseLimits } from '../message/parse-message.js';
import type { Flow } from './flow.js';
import { plainAddress, type InboxOptions } from './inbox.js';
import { ReceivingTransport } from './receiving-transport.js';
import { TcpFlow } from './tcp-flow.js';
import type { BoundAddress, ListeningTransport, TransportStats } from './transport.js';

export interface TcpTransportOptions extends InboxOptions {
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

/** SIP over TCP (RFC 3261 §18), with the CRLF keep-alive of RFC 5626 §4.4.1. */
export class TcpTransport extends ReceivingTransport implements ListeningTransport {
  readonly protocol = 'tcp';
  readonly #options: Required<Omit<TcpTransportOptions, keyof InboxOptions>> & {
    readonly maxMessageBytes: number;
  };
  readonly #flows = new Set<TcpFlow>();
  /** The newest connection to each peer, by `address port`. */
  readonly #byPeer = new Map<string, TcpFlow>();
  readonly #connectionsOf = new Map<string, number>();
  readonly #dialing = new Map<string, Promise<Flow>>();
  #server: Server | undefined;
  #bound: BoundAddress | undefined;
  #closed = false;

  constructor(options: TcpTransportOptions = {}) {
    super(options);
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
    if (this.#server || this.#closed) throw new Error('this TCP transport is already listening, or closed');
    const server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#admit(socket));
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

  async connect(host: string, port: number): Promise<Flow> {
    if (this.#closed) throw new Error('the TCP transport is closed');
    const address = plainAddress(isIP(host) === 0 ? (await lookup(host)).address : host);
    const key = `${address} ${port}`;
    const known = this.#byPeer.get(key);
    if (known?.isOpen) return known;
    const dialing = this.#dialing.get(key);
    if (dialing) return dialing;
    const dialed = this.#dial(address, port).finally(() => this.#dialing.delete(key));
    this.#dialing.set(key, dialed);
    return dialed;
  }

  stats(): TransportStats {
    return { ...this.inbox.counters, connectionsOpen: this.#flows.size };
  }

  async close(): Promise<void> {
    this.#closed = true;
    const server = this.#server;
    this.#server = undefined;
    this.#bound = undefined;
    for (const flow of [...this.#flows]) flow.close();
    await Promise.allSettled(this.#dialing.values());
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #admit(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress);
    const full = this.#flows.size >= this.#options.maxConnections;
    const fullForOne = (this.#connectionsOf.get(address) ?? 0) >= this.#options.maxConnectionsPerAddress;
    if (full || fullForOne || this.#closed) {
      this.inbox.counters.connectionsRefused += 1;
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    this.#adopt(socket);
  }

  async #dial(host: string, port: number): Promise<Flow> {
    if (this.#flows.size >= this.#options.maxConnections) throw new Error('too many TCP connections');
    const socket = createConnection({ host, port, noDelay: true, keepAlive: true, ...this.#sourceFor(host) });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.setTimeout(this.#options.connectTimeoutMs, () =>
          reject(new Error(`no TCP connection to ${host}:${port}`)),
        );
        socket.once('error', reject);
        socket.once('connect', resolve);
      });
    } catch (error) {
      socket.on('error', () => {});
      socket.destroy();
      throw error;
    }
    socket.removeAllListeners('timeout').removeAllListeners('error');
    const flow = this.#adopt(socket);
    if (this.#closed) {
      flow.close();
      throw new Error('the TCP transport is closed');
    }
    return flow;
  }

  /** Connections come from the address we listen on, so that the peer sees one host. */
  #sourceFor(host: string): { localAddress?: string } {
    const own = this.#bound?.address;
    const wildcard = own === undefined || own === '0.0.0.0' || own === '::';
    return wildcard || isIPv6(own) !== isIPv6(host) ? {} : { localAddress: own };
  }

  #adopt(socket: Socket): TcpFlow {
    const flow = new TcpFlow(socket, this.inbox, this.#options, () => this.#forget(flow));
    const { remoteAddress } = flow;
    this.#flows.add(flow);
    this.#byPeer.set(`${remoteAddress} ${flow.remotePort}`, flow);
    this.#connectionsOf.set(remoteAddress, (this.#connectionsOf.get(remoteAddress) ?? 0) + 1);
    this.inbox.counters.connectionsOpened += 1;
    return flow;
  }

  #forget(flow: TcpFlow): void {
    if (!this.#flows.delete(flow)) return;
    const { remoteAddress } = flow;
    const key = `${remoteAddress} ${flow.remotePort}`;
    if (this.#byPeer.get(key) === flow) this.#byPeer.delete(key);
    const left = (this.#connectionsOf.get(remoteAddress) ?? 1) - 1;
    if (left > 0) this.#connectionsOf.set(remoteAddress, left);
    else this.#connectionsOf.delete(remoteAddress);
    this.inbox.flowClosed(flow);
  }
}
