/** The embedded SIP server as a whole: transports below, drachtio applications above, one engine in between. */
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { SourceBan } from './defence/source-guard.js';
import { AdminServer } from './drachtio/admin-server.js';
import { Routes } from './drachtio/routes.js';
import { createEngine, type EngineOptions } from './engine.js';
import { formatHostPort } from './message/host-port.js';
import type { ParseLimits } from './message/parse-message.js';
import { listTransports, sumStats } from './network.js';
import { tlsStreams, type TlsStreamOptions } from './transport/stream-source.js';
import { TcpTransport, type TcpTransportOptions } from './transport/tcp-transport.js';
import type { BoundAddress, MessageTap, TransportStats } from './transport/transport.js';
import { UdpTransport } from './transport/udp-transport.js';
import { WebSocketTransport, type WebSocketTransportOptions } from './transport/web-socket-transport.js';
import { silentLogger } from './user-agent/environment.js';

interface ListenOptions {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}

/** What is limited alike for TCP, TLS and WebSockets. */
type ConnectionLimit = 'maxConnections' | 'maxConnectionsPerAddress' | 'firstMessageTimeoutMs' | 'stalledMs';

export interface SipServerOptions extends EngineOptions {
  /** What a message may be at most. Default 64 kB, 256 header fields. */
  readonly messageLimits?: Partial<ParseLimits>;
  readonly udp?: ListenOptions;
  /** With port 0 beside `udp`: the same number as that, so that one Contact is right for both. */
  readonly tcp?: ListenOptions & Pick<TcpTransportOptions, ConnectionLimit | 'idleTimeoutMs'>;
  /** SIP over TLS, with the limits of TCP. */
  readonly tls?: ListenOptions &
    TlsStreamOptions &
    Pick<TcpTransportOptions, ConnectionLimit | 'idleTimeoutMs'>;
  readonly webSocket?: Pick<WebSocketTransportOptions, ConnectionLimit>;
  /** Where drachtio clients connect: keep it on the loopback address. */
  readonly admin: ListenOptions & {
    readonly secret: string;
    /** Default 64. */
    readonly maxClients?: number;
    /**
     * A client that sends a longer frame is dropped, and its calls with it. Default 1 MiB: an answer repeats every m-line of
     * an offer and adds to it, so that it may be several times as long as the longest message that comes in.
     */
    readonly maxFrameBytes?: number;
    /** For a client that does not read. Default 64 MiB. */
    readonly maxBufferedBytes?: number;
    /** Default 5,000 ms. */
    readonly authenticationTimeoutMs?: number;
  };
}

export interface SipServerStats {
  readonly transport: TransportStats;
  readonly transactions: number;
  readonly dialogs: number;
  /** Requests in and out without a final response. */
  readonly pendingRequests: number;
  readonly applications: number;
  readonly retransmissionsSent: number;
  readonly retransmissionsReceived: number;
  readonly transactionTimeouts: number;
  readonly dialogsCreated: number;
  /** Without ACK, session expired, application gone, … */
  readonly dialogsEndedByServer: number;
  readonly cancelled: number;
  /** Requests of strangers that got no answer, because their source had had enough. */
  readonly answersWithheld: number;
  /** Sources that are not heard now. */
  readonly bans: number;
  /** Refusals made by the server itself, by status. */
  readonly refusals: Readonly<Record<number, number>>;
}

export interface SipServer {
  readonly udpAddress: BoundAddress | undefined;
  readonly tcpAddress: BoundAddress | undefined;
  readonly tlsAddress: BoundAddress | undefined;
  readonly adminAddress: BoundAddress;
  /**
   * Takes an upgraded WebSocket with the subprotocol `sip` (RFC 7118); any other is closed with 1002. `clientAddress` is
   * the caller's where a proxy stands before us; without it the connection's far end is.
   */
  acceptWebSocket(socket: WebSocket, request: IncomingMessage, clientAddress?: string): void;
  /** Whether nothing that came by the WebSocket was accepted, so that it may be cut off where there is no room for others. */
  isPassive(socket: WebSocket): boolean;
  /**
   * Where a peer at that address, which speaks `udp`, `tcp` or `tls` with us, would be told to reach us, as in Contact; null where
   * we do not speak that.
   */
  contactFor(peer: { readonly address: string; readonly transport: string }): string | null;
  /** While draining, OPTIONS that no application answers get 503 with Retry-After; INVITEs are the applications' to refuse. */
  setDraining(isDraining: boolean): void;
  /** Shows every message that comes or goes to `tap`, which must not throw; null: no more. Nobody sees any before. */
  tap(tap: MessageTap | null): void;
  /** Sources that are not heard, because of what they did. */
  bans(): readonly SourceBan[];
  /** Hears that source again; null: everybody. False where there was no such ban. */
  liftBan(source: string | null): boolean;
  stats(): SipServerStats;
  /** Ends every client, connection and timer at once; idempotent. Hang calls up before. */
  close(): Promise<void>;
}

const bindAttempts = 20;

/** Opens the SIP server. Rejects with the system's error when an address is taken (`EADDRINUSE`); then nothing stays open. */
export async function createSipServer(options: SipServerOptions): Promise<SipServer> {
  const logger = options.logger ?? silentLogger;
  const onHandlerError = (error: unknown): void =>
    logger.error({ error }, 'SIP message could not be handled');
  const { udp, tcp, tls } = await listen(options, onHandlerError);
  const { sourceOf, messageLimits: limits = {} } = options;
  const ws = new WebSocketTransport({ ...options.webSocket, sourceOf, onHandlerError, limits });
  const routes = new Routes();
  const transports = { ...(udp && { udp }), ...(tcp && { tcp }), ...(tls && { tls }), ws };
  const { core, addressing, dialogs, guard } = createEngine(options, transports, routes);
  addressing.listeningPorts = {
    ...(udp?.boundAddress && { udp: udp.boundAddress.port }),
    ...(tcp?.boundAddress && { tcp: tcp.boundAddress.port }),
    ...(tls?.boundAddress && { tls: tls.boundAddress.port }),
  };
  const hostPorts = (address: string | undefined): string =>
    [tcp, udp, tls]
      .flatMap((transport) => {
        const bound = transport?.boundAddress;
        return transport && bound
          ? [`${transport.protocol}/${formatHostPort(address ?? bound.address, bound.port)}`]
          : [];
      })
      .join(',');
  const admin = new AdminServer({
    secret: options.admin.secret,
    core,
    routes,
    logger,
    maxFrameBytes: options.admin.maxFrameBytes ?? 1_048_576,
    maxBufferedBytes: options.admin.maxBufferedBytes ?? 67_108_864,
    authenticationTimeoutMs: options.admin.authenticationTimeoutMs ?? 5_000,
    maxClients: options.admin.maxClients ?? 64,
    hostPorts: () => ({ external: hostPorts(options.publicAddress), local: hostPorts(undefined) }),
    nowMs: () => core.transactions.clock.nowMs(),
  });

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await admin.close();
    core.close();
    await Promise.all(listTransports(transports).map((transport) => transport.close()));
  };
  let adminAddress: BoundAddress;
  try {
    adminAddress = await admin.listen(options.admin.host, options.admin.port);
  } catch (error) {
    await close();
    throw error;
  }
  const udpAddress = udp?.boundAddress;
  const tcpAddress = tcp?.boundAddress;
  const tlsAddress = tls?.boundAddress;

  return {
    udpAddress,
    tcpAddress,
    tlsAddress,
    adminAddress,
    acceptWebSocket: (socket, request, clientAddress = request.socket.remoteAddress) => {
      const { remotePort = 0, localAddress = '', localPort = 0 } = request.socket;
      const remoteAddress = clientAddress ?? '';
      const secure = 'encrypted' in request.socket || request.headers['x-forwarded-proto'] === 'https';
      ws.accept(socket, { remoteAddress, remotePort, localAddress, localPort, secure });
    },
    isPassive: (socket) => ws.isPassive(socket),
    contactFor: ({ address: remoteAddress, transport }) => {
      const own = [udp, tcp, tls].find((candidate) => candidate?.protocol === transport);
      if (own?.boundAddress === undefined) return null;
      const { protocol, boundAddress } = own;
      const { address: localAddress, port: localPort } = boundAddress;
      return addressing.contact({ protocol, localAddress, localPort, remoteAddress });
    },
    setDraining: (isDraining) => core.setDraining(isDraining),
    tap: (tap) => {
      for (const transport of listTransports(transports)) transport.tap(tap);
    },
    bans: () => guard?.bans() ?? [],
    liftBan: (source) => guard?.lift(source) ?? false,
    stats: () => ({
      transport: sumStats(transports),
      transactions: core.transactions.size,
      dialogs: dialogs.size,
      pendingRequests: core.pendingCount,
      applications: admin.clientCount,
      retransmissionsSent: core.transactions.counters.retransmissionsSent,
      retransmissionsReceived: core.transactions.counters.retransmissionsReceived,
      transactionTimeouts: core.transactions.counters.transactionTimeouts,
      dialogsCreated: core.counters.dialogsCreated,
      dialogsEndedByServer: core.counters.dialogsEndedByServer,
      cancelled: core.counters.cancelled,
      answersWithheld: core.counters.answersWithheld,
      bans: guard?.bans().length ?? 0,
      refusals: Object.fromEntries(core.counters.refusals),
    }),
    close: () => (closing ??= close()),
  };
}

interface Listeners {
  readonly udp: UdpTransport | undefined;
  readonly tcp: TcpTransport | undefined;
  readonly tls: TcpTransport | undefined;
}

/** Binds UDP, TCP and TLS. Rejects where one of them cannot be bound; then none is. */
async function listen(
  options: SipServerOptions,
  onHandlerError: (error: unknown) => void,
): Promise<Listeners> {
  const { messageLimits: limits = {}, tls: tlsOptions, sourceOf } = options;
  const { udp, tcp } = await listenInTheClear(options, onHandlerError);
  if (tlsOptions === undefined) return { udp, tcp, tls: undefined };
  const streams = tlsStreams(tlsOptions);
  const tls = new TcpTransport({ ...tlsOptions, streams, sourceOf, onHandlerError, limits });
  try {
    await tls.listen(tlsOptions.host, tlsOptions.port);
  } catch (error) {
    await Promise.all([udp?.close(), tcp?.close(), tls.close()]);
    throw error;
  }
  return { udp, tcp, tls };
}

/** Binds UDP and TCP; with port 0 for both it tries until one number is free for the two. */
async function listenInTheClear(
  options: SipServerOptions,
  onHandlerError: (error: unknown) => void,
): Promise<Pick<Listeners, 'udp' | 'tcp'>> {
  const { udp: udpOptions, tcp: tcpOptions, messageLimits: limits = {}, sourceOf } = options;
  for (let attempt = 1; ; attempt += 1) {
    const udp = udpOptions ? new UdpTransport({ onHandlerError, limits }) : undefined;
    const tcp = tcpOptions
      ? new TcpTransport({ ...tcpOptions, sourceOf, onHandlerError, limits })
      : undefined;
    try {
      const bound = udp && udpOptions ? await udp.listen(udpOptions.host, udpOptions.port) : undefined;
      if (tcp && tcpOptions) {
        const port = tcpOptions.port === 0 && bound ? bound.port : tcpOptions.port;
        await tcp.listen(tcpOptions.host, port);
      }
      return { udp, tcp };
    } catch (error) {
      await Promise.all([udp?.close(), tcp?.close()]);
      const mayRetry = udpOptions?.port === 0 && tcpOptions?.port === 0 && attempt < bindAttempts;
      if (!mayRetry || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}
