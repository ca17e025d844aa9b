/** The embedded SIP server as a whole: transports below, drachtio applications above, one engine in between. */
import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { SourceBan } from './defence/source-guard.js';
import { AdminServer } from './drachtio/admin-server.js';
import { Routes } from './drachtio/routes.js';
import { createEngine, type EngineOptions } from './engine.js';
import { formatHostPort } from './message/host-port.js';
import type { ParseLimits } from './message/parse-message.js';
import {
  openListeners,
  placesOf,
  transportsOf,
  type ConnectionLimit,
  type Listener,
  type ListenerOptions,
  type ListenOptions,
} from './listeners.js';
import { sumStats } from './network.js';
import type { BoundAddress, MessageTap, Transport, TransportStats } from './transport/transport.js';
import { WebSocketTransport, type WebSocketTransportOptions } from './transport/web-socket-transport.js';
import { silentLogger } from './user-agent/environment.js';

export interface SipServerOptions extends EngineOptions, ListenerOptions {
  /** What a message may be at most. Default 64 kB, 256 header fields. */
  readonly messageLimits?: Partial<ParseLimits>;
  /** Datagrams of strangers that wait to be read, at each address. Default 2,000. */
  readonly maxWaitingDatagrams?: number;
  /**
   * Further addresses to listen on. `host` is what peers who come by such a listener are told to reach us at, in place of its
   * own address. A listener on all addresses (`0.0.0.0`, `::`) without `host` tells what the first listener tells.
   */
  readonly listeners?: readonly (ListenerOptions & { readonly host?: string | undefined })[];
  readonly webSocket?: Pick<WebSocketTransportOptions, ConnectionLimit>;
  /** Where drachtio clients connect: keep it on the loopback address. */
  readonly admin: Pick<ListenOptions, 'host' | 'port'> & {
    readonly secret: string;
    /** Clients connected at once; more are turned away. Default 64. */
    readonly maxClients?: number;
    /**
     * A client that sends a longer frame is dropped, and its calls with it. Default 1 MiB: an answer repeats every m-line of
     * an offer and adds to it, so that it may be several times as long as the longest message that comes in.
     */
    readonly maxFrameBytes?: number;
    /** A client that leaves more than this unread is dropped, and its calls with it. Default 64 MiB. */
    readonly maxBufferedBytes?: number;
    /** A client that has not shown the secret by then is dropped. Default 5,000 ms. */
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
  /** Dialogs that the server ended by itself: no ACK came, the session expired, the application went away, … */
  readonly dialogsEndedByServer: number;
  readonly cancelled: number;
  /** Requests of strangers that got no answer, because their source had had enough. */
  readonly answersWithheld: number;
  /** Requests of scanners, which get no answer. */
  readonly scannersIgnored: number;
  /** Sources that were taken for scanners because of how many users they called. */
  readonly sweepsSeen: number;
  /** Sources that are banned now. */
  readonly bans: number;
  /** Refusals made by the server itself, by status. */
  readonly refusals: Readonly<Record<number, number>>;
}

/** Where one listener is bound. */
export interface ListenerAddresses {
  readonly udp: BoundAddress | undefined;
  readonly tcp: BoundAddress | undefined;
  readonly tls: BoundAddress | undefined;
}

export interface SipServer {
  readonly udpAddress: BoundAddress | undefined;
  readonly tcpAddress: BoundAddress | undefined;
  readonly tlsAddress: BoundAddress | undefined;
  readonly adminAddress: BoundAddress;
  /** A connection to what `adminAddress` is, for an application of this process: nothing of it passes through the system. */
  connect(): Socket;
  /** Where the further listeners are bound, in their order. */
  readonly otherAddresses: readonly ListenerAddresses[];
  /**
   * Takes an upgraded WebSocket with the subprotocol `sip` (RFC 7118); any other is closed with 1002. `clientAddress` is
   * the caller's where a proxy stands before us; without it the connection's far end is.
   */
  acceptWebSocket(socket: WebSocket, request: IncomingMessage, clientAddress?: string): void;
  /** Whether nothing that came by the WebSocket was accepted, so that it may be cut off where there is no room for others. */
  isPassive(socket: WebSocket): boolean;
  /**
   * Where a peer at that address, which speaks `udp`, `tcp` or `tls` with us, would be told to reach us, as in Contact; null where
   * we do not speak that. `listener`: the one that it comes by, from 0; absent: the first of its kind of address.
   */
  contactFor(peer: {
    readonly address: string;
    readonly transport: string;
    readonly listener?: number;
  }): string | null;
  /**
   * The certificate that the peer of a TLS connection from there has shown, and that a trusted CA vouches for. Null also where
   * there are several such connections, by different listeners: which of them a message came by is not known.
   */
  peerCertificate(peer: { readonly address: string; readonly port: number }): X509Certificate | null;
  /** While draining, OPTIONS that no application answers get 503 with Retry-After; INVITEs are the applications' to refuse. */
  setDraining(isDraining: boolean): void;
  /** Shows every message that comes or goes to `tap`, which must not throw; null ends that. Until it is called nobody is shown any. */
  tap(tap: MessageTap | null): void;
  /** Sources of which nothing is read for a while, because of what they did. */
  bans(): readonly SourceBan[];
  /** Lifts the ban of that source; null: all bans. False where there was none to lift. */
  liftBan(source: string | null): boolean;
  stats(): SipServerStats;
  /** Ends every client, connection and timer at once; idempotent. Calls get no BYE: hang them up before. */
  close(): Promise<void>;
}

/** Opens the SIP server. Rejects with the system's error when an address is taken (`EADDRINUSE`); then nothing stays open. */
export async function createSipServer(options: SipServerOptions): Promise<SipServer> {
  const logger = options.logger ?? silentLogger;
  const onHandlerError = (error: unknown): void =>
    logger.error({ error }, 'SIP message could not be handled');
  const { sourceOf, messageLimits: limits = {}, listeners: others = [] } = options;
  const { maxWaitingDatagrams: maxWaiting } = options;
  const context = { limits, sourceOf, onHandlerError, maxWaiting };
  const listeners = await openListeners([options, ...others], context);
  const [first, ...further] = listeners;
  const ws = new WebSocketTransport({ ...options.webSocket, ...context });
  const routes = new Routes();
  const transports = [...listeners.flatMap(transportsOf), ws];
  const { core, addressing, dialogs, guard, scanners } = createEngine(options, transports, routes);
  const { udp: udpAddress, tcp: tcpAddress, tls: tlsAddress } = addressesOf(first);
  addressing.listeningPorts = {
    ...(udpAddress && { udp: udpAddress.port }),
    ...(tcpAddress && { tcp: tcpAddress.port }),
    ...(tlsAddress && { tls: tlsAddress.port }),
  };
  addressing.otherPlaces = further.flatMap((listener, index) =>
    placesOf(listener, others[index]?.host ?? null),
  );
  const hostPorts = (isExternal: boolean): string =>
    listeners
      .flatMap((listener, index) => {
        const told = index === 0 ? options.publicAddress : others[index - 1]?.host;
        return placesOf(listener, (isExternal ? told : undefined) ?? null);
      })
      .map(({ protocol, address, port, host }) => `${protocol}/${formatHostPort(host ?? address, port)}`)
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
    hostPorts: () => ({ external: hostPorts(true), local: hostPorts(false) }),
    nowMs: () => core.transactions.clock.nowMs(),
  });

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await admin.close();
    core.close();
    await Promise.all(transports.map((transport) => transport.close()));
  };
  let adminAddress: BoundAddress;
  try {
    adminAddress = await admin.listen(options.admin.host, options.admin.port);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    udpAddress,
    tcpAddress,
    tlsAddress,
    adminAddress,
    connect: () => admin.connect(),
    otherAddresses: further.map(addressesOf),
    acceptWebSocket: (socket, request, clientAddress = request.socket.remoteAddress) => {
      const { remotePort = 0, localAddress = '', localPort = 0 } = request.socket;
      const remoteAddress = clientAddress ?? '';
      const secure = 'encrypted' in request.socket || request.headers['x-forwarded-proto'] === 'https';
      ws.accept(socket, { remoteAddress, remotePort, localAddress, localPort, secure });
    },
    isPassive: (socket) => ws.isPassive(socket),
    contactFor: ({ address: remoteAddress, transport, listener: wanted }) => {
      const able = listeners
        .flatMap(transportsOf)
        .filter(({ protocol, listener }) => protocol === transport && listener === (wanted ?? listener));
      const isNear = ({ boundAddress }: Transport): boolean =>
        isIPv6(boundAddress?.address ?? '') === isIPv6(remoteAddress);
      const own = able.find(isNear) ?? able[0];
      if (own?.boundAddress === undefined) return null;
      const { protocol, boundAddress, listener } = own;
      const { address: localAddress, port: localPort } = boundAddress;
      return addressing.contact({ protocol, localAddress, localPort, remoteAddress, listener });
    },
    peerCertificate: ({ address, port }) => {
      const found = listeners.flatMap(({ tls }) => tls?.certificateFrom(address, port) ?? []);
      return found.length === 1 ? (found[0] ?? null) : null;
    },
    setDraining: (isDraining) => core.setDraining(isDraining),
    tap: (tap) => {
      for (const transport of transports) transport.tap(tap);
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
      scannersIgnored: core.counters.scannersIgnored,
      sweepsSeen: scanners?.sweepsSeen ?? 0,
      bans: guard?.bans().length ?? 0,
      refusals: Object.fromEntries(core.counters.refusals),
    }),
    close: () => (closing ??= close()),
  };
}

function addressesOf(listener: Listener | undefined): ListenerAddresses {
  return {
    udp: listener?.udp?.boundAddress,
    tcp: listener?.tcp?.boundAddress,
    tls: listener?.tls?.boundAddress,
  };
}
