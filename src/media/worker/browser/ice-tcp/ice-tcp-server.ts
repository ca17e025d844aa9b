/**
 * ICE over TCP (RFC 6544) for browsers whose network lets no UDP out: a port that they connect to. The library has no
 * passive TCP, so what comes goes on to the UDP port of the leg, over the loopback interface. Whoever's first packet is not
 * a binding request with the name and the password of a leg's description gets no further.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { WorkerRefusal } from '../../worker-refusal.js';
import { type IceTcpLimits, IceTcpRelay, type UdpTarget } from './ice-tcp-relay.js';
import { sourceNetwork } from './source-network.js';

/** One transport of a browser, as its description names it. */
export interface IceTcpEndpoint extends UdpTarget {
  readonly usernameFragment: string;
  readonly password: string;
}

export interface IceTcpServerLimits extends IceTcpLimits {
  /** Connections whose first packet has not come: the oldest gives way. */
  readonly maxUnknown: number;
  /** The same from one source. */
  readonly maxUnknownPerSource: number;
  /** Connections of one transport: a browser tries each of its networks. The oldest gives way. */
  readonly maxPerEndpoint: number;
}

const defaultLimits: IceTcpServerLimits = {
  firstPacketMs: 5000,
  // ICE asks every few seconds whether the other is there, and gives up after 30 s (RFC 7675).
  idleMs: 30_000,
  // Half a second at 2.5 Mbit/s.
  maxWaitingOctets: 160 * 1024,
  maxPacketsPerSecond: 5000,
  maxUnknown: 200,
  maxUnknownPerSource: 20,
  maxPerEndpoint: 6,
};

interface Endpoint {
  readonly data: IceTcpEndpoint;
  /** Oldest first. */
  readonly relays: Set<IceTcpRelay>;
}

export class IceTcpServer {
  readonly #server: Server;
  readonly #limits: IceTcpServerLimits;
  readonly #endpoints = new Map<string, Endpoint>();
  /** Oldest first, each with its source. */
  readonly #unknown = new Map<IceTcpRelay, string>();
  readonly #known = new Map<IceTcpRelay, Endpoint>();

  private constructor(server: Server, limits: IceTcpServerLimits) {
    this.#server = server;
    this.#limits = limits;
    server.on('connection', (socket) => this.#onConnection(socket));
    // Such as no file descriptor: there are others, and there will be again.
    server.on('error', () => undefined);
  }

  /** `bindAddress` undefined: all addresses. Throws WorkerRefusal where the port cannot be had. */
  static async open(
    bindAddress: string | undefined,
    port: number,
    limits: Partial<IceTcpServerLimits> = {},
  ): Promise<IceTcpServer> {
    const server = createServer();
    try {
      server.listen({ port, ...(bindAddress !== undefined && { host: bindAddress }) });
      await once(server, 'listening');
    } catch (error) {
      throw new WorkerRefusal(
        'overloaded',
        `TCP port ${port} for browsers cannot be had: ${(error as NodeJS.ErrnoException).code ?? ''}`,
      );
    }
    return new IceTcpServer(server, { ...defaultLimits, ...limits });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Connections that are open, and how many of them are nobody's yet. */
  get connections(): { readonly all: number; readonly unknown: number } {
    return { all: this.#unknown.size + this.#known.size, unknown: this.#unknown.size };
  }

  /** Lets browsers through to a transport, until what is given back is called. */
  admit(data: IceTcpEndpoint): () => void {
    const endpoint: Endpoint = { data, relays: new Set() };
    this.#endpoints.set(data.usernameFragment, endpoint);
    return () => {
      if (this.#endpoints.get(data.usernameFragment) === endpoint)
        this.#endpoints.delete(data.usernameFragment);
      for (const relay of endpoint.relays) relay.close();
    };
  }

  #onConnection(socket: Socket): void {
    const source = sourceNetwork(socket.remoteAddress ?? '');
    this.#makeRoom(source);
    const relay = new IceTcpRelay({
      socket,
      limits: this.#limits,
      targetOf: ({ usernameFragment, isSignedWith }, asking) => {
        const endpoint = this.#endpoints.get(usernameFragment);
        if (endpoint === undefined || !isSignedWith(endpoint.data.password)) return null;
        this.#assign(asking, endpoint);
        return endpoint.data;
      },
      onClosed: (closed) => {
        this.#unknown.delete(closed);
        this.#known.get(closed)?.relays.delete(closed);
        this.#known.delete(closed);
      },
    });
    this.#unknown.set(relay, source);
  }

  /** A source that has many gives way itself, so that none keeps out the others. */
  #makeRoom(source: string): void {
    const ofSource = [...this.#unknown].filter(([, other]) => other === source);
    if (ofSource.length >= this.#limits.maxUnknownPerSource) ofSource[0]?.[0].close();
    else if (this.#unknown.size >= this.#limits.maxUnknown) firstOf(this.#unknown.keys())?.close();
  }

  #assign(relay: IceTcpRelay, endpoint: Endpoint): void {
    if (endpoint.relays.size >= this.#limits.maxPerEndpoint) firstOf(endpoint.relays.values())?.close();
    this.#unknown.delete(relay);
    this.#known.set(relay, endpoint);
    endpoint.relays.add(relay);
  }

  /** Ends all connections. Idempotent. */
  async close(): Promise<void> {
    for (const relay of [...this.#unknown.keys(), ...this.#known.keys()]) relay.close();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

const firstOf = <T>(values: Iterator<T, undefined>): T | undefined => values.next().value;
