/** Binds what a SIP server listens on: one or several addresses, each with UDP, TCP and TLS. */
import type { ParseLimits } from './message/parse-message.js';
import { tlsStreams, type TlsStreamOptions } from './transport/stream-source.js';
import { TcpTransport, type TcpTransportOptions } from './transport/tcp-transport.js';
import type { ListeningTransport } from './transport/transport.js';
import { UdpTransport } from './transport/udp-transport.js';
import type { ListeningPlace } from './user-agent/addressing.js';

export interface ListenOptions {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  /** With host `::`: takes IPv6 alone, so that another socket may have the port for IPv4. Default false. */
  readonly ipv6Only?: boolean;
}

/** Limits that TCP, TLS and WebSockets share. */
export type ConnectionLimit =
  | 'maxConnections'
  | 'maxConnectionsPerAddress'
  | 'firstMessageTimeoutMs'
  | 'stalledMs';
/** What is set for TCP and TLS: the same limits, and what WebSockets do not have. */
type StreamSetting = ConnectionLimit | 'idleTimeoutMs' | 'keepAlive';

export interface ListenerOptions {
  readonly udp?: ListenOptions;
  /** With port 0 beside `udp`: the same number as that, so that one Contact is right for both. */
  readonly tcp?: ListenOptions & Pick<TcpTransportOptions, StreamSetting>;
  /** SIP over TLS, with the limits of TCP. */
  readonly tls?: ListenOptions & TlsStreamOptions & Pick<TcpTransportOptions, StreamSetting>;
}

/** What all transports of a server are made with. */
export interface ListenerContext {
  readonly limits: Partial<ParseLimits>;
  readonly sourceOf?: ((address: string) => string) | undefined;
  readonly onHandlerError: (error: unknown) => void;
  /** Datagrams of strangers that wait to be read. Absent: the default. */
  readonly maxWaiting?: number | undefined;
}

interface PlaceContext extends ListenerContext {
  /** Which of them it is, from 0. */
  readonly listener: number;
}

/** The transports of one address. */
export interface Listener {
  readonly udp: UdpTransport | undefined;
  readonly tcp: TcpTransport | undefined;
  readonly tls: TcpTransport | undefined;
}

const bindAttempts = 20;

/** Binds them one after the other. Rejects with the system's error where one of them cannot be bound; then none is. */
export async function openListeners(
  wanted: readonly ListenerOptions[],
  context: ListenerContext,
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  try {
    for (const [listener, options] of wanted.entries())
      listeners.push(await open(options, { ...context, listener }));
  } catch (error) {
    await Promise.all(listeners.flatMap(transportsOf).map((transport) => transport.close()));
    throw error;
  }
  return listeners;
}

export function transportsOf({ udp, tcp, tls }: Listener): ListeningTransport[] {
  return [udp, tcp, tls].filter((transport) => transport !== undefined);
}

/** Where it listens, and what its peers are told in place of that. */
export function placesOf(listener: Listener, host: string | null): ListeningPlace[] {
  return transportsOf(listener).flatMap(({ protocol, boundAddress, listener: index }) =>
    boundAddress === undefined ? [] : [{ protocol, ...boundAddress, listener: index, host }],
  );
}

async function open(options: ListenerOptions, context: PlaceContext): Promise<Listener> {
  const { udp, tcp } = await openInTheClear(options, context);
  const { tls: tlsOptions } = options;
  if (tlsOptions === undefined) return { udp, tcp, tls: undefined };
  const tls = new TcpTransport({ ...tlsOptions, ...context, streams: tlsStreams(tlsOptions) });
  try {
    await tls.listen(tlsOptions.host, tlsOptions.port);
  } catch (error) {
    await Promise.all([udp?.close(), tcp?.close(), tls.close()]);
    throw error;
  }
  return { udp, tcp, tls };
}

/** Binds UDP and TCP; with port 0 for both it tries until one number is free for the two. */
async function openInTheClear(
  { udp: udpOptions, tcp: tcpOptions }: ListenerOptions,
  context: PlaceContext,
): Promise<Pick<Listener, 'udp' | 'tcp'>> {
  for (let attempt = 1; ; attempt += 1) {
    const udp = udpOptions ? new UdpTransport({ ...udpOptions, ...context }) : undefined;
    const tcp = tcpOptions ? new TcpTransport({ ...tcpOptions, ...context }) : undefined;
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
