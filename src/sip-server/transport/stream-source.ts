/** How the byte streams under SIP come about: bare TCP, or TLS over it (RFC 3261 §26.2.1). */
import type { X509Certificate } from 'node:crypto';
import { createConnection, createServer, isIP, type Server, type Socket } from 'node:net';
import {
  connect as connectTls,
  createServer as createTlsServer,
  TLSSocket,
  type Server as TlsServer,
  type TlsOptions,
} from 'node:tls';
import { identityFault } from './server-identity.js';

/** What a server tells of each connection that comes in. */
export interface StreamTaker {
  /** It is there, and may cost something from now on. What nobody wants is destroyed. */
  arrived(socket: Socket): void;
  /** Messages may go over `stream`, which is `socket` itself or what TLS made of it. */
  ready(stream: Socket, socket: Socket): void;
}

export interface StreamTarget {
  /** IP address. */
  readonly host: string;
  readonly port: number;
  /** What the peer must show a certificate for; of no meaning without TLS. */
  readonly serverName: string;
  /** Our end. Absent: the system's choice. */
  readonly localAddress?: string;
  readonly timeoutMs: number;
}

export interface StreamSource {
  readonly protocol: 'tcp' | 'tls';
  createServer(taker: StreamTaker): Server;
  /** Resolves when messages may go over it. Rejects with the system's or OpenSSL's error; nothing stays open then. */
  connect(target: StreamTarget): Promise<Socket>;
}

/** A peer that vanished without a word is asked for by the kernel after a minute; its own default is two hours. */
const keepAliveInitialDelay = 60_000;
const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay };

export const plainStreams: StreamSource = {
  protocol: 'tcp',
  createServer: (taker) =>
    createServer(socketOptions, (socket) => {
      taker.arrived(socket);
      if (!socket.destroyed) taker.ready(socket, socket);
    }),
  connect({ host, port, localAddress, timeoutMs }) {
    const socket = createConnection({ host, port, ...socketOptions, ...(localAddress && { localAddress }) });
    return whenReady(socket, 'connect', timeoutMs);
  },
};

/** The certificates that are shown, now and later. */
export interface SipCertificates {
  readonly serverOptions: TlsOptions;
  /** Gives the server new ones when there are. */
  keepFresh(server: TlsServer): void;
}

export interface TlsStreamOptions {
  /** Absent: there is no server, and only calls go out. */
  readonly certificates?: SipCertificates;
  /** Whether clients are asked for a certificate, and turned away without a good one. Default `off`. */
  readonly clientCertificates?: 'off' | 'optional' | 'required';
  /** Default 10,000 ms. */
  readonly handshakeTimeoutMs?: number;
  /** PEM of CAs that servers' certificates may come from, beside those that Node knows. */
  readonly serverCa?: readonly string[];
  /** Whether that server gets our certificate, where it asks for one. Default: none does. */
  readonly showCertificateTo?: (serverName: string) => boolean;
  /** A server without a good certificate for its name is not called. Default true. */
  readonly verifyServers?: boolean;
}

export function tlsStreams(options: TlsStreamOptions): StreamSource {
  const {
    certificates,
    clientCertificates = 'off',
    handshakeTimeoutMs = 10_000,
    verifyServers = true,
  } = options;
  const { serverCa, showCertificateTo = () => false } = options;
  return {
    protocol: 'tls',
    createServer(taker) {
      if (certificates === undefined) throw new Error('a TLS server needs a certificate');
      const server = createTlsServer({
        ...socketOptions,
        ...certificates.serverOptions,
        handshakeTimeout: handshakeTimeoutMs,
        requestCert: clientCertificates !== 'off',
        rejectUnauthorized: clientCertificates === 'required',
      });
      certificates.keepFresh(server);
      /** By the peer's address and port: Node does not say which socket became which. */
      const shakingHands = new Map<string, Socket>();
      server.on('connection', (socket: Socket) => {
        const peer = peerOf(socket);
        shakingHands.set(peer, socket);
        socket.once('close', () => {
          if (shakingHands.get(peer) === socket) shakingHands.delete(peer);
        });
        taker.arrived(socket);
      });
      // Node tells of a handshake that failed, or took too long, and leaves the connection open.
      server.on('tlsClientError', (_error, stream) => stream.destroy());
      server.on('secureConnection', (stream) => {
        const peer = peerOf(stream);
        const socket = shakingHands.get(peer);
        shakingHands.delete(peer);
        if (socket === undefined) stream.destroy();
        else taker.ready(stream, socket);
      });
      return server;
    },
    connect({ host, port, serverName, localAddress, timeoutMs }) {
      const { minVersion, ciphers, cert, key } = certificates?.serverOptions ?? {};
      const isShown = cert !== undefined && key !== undefined && showCertificateTo(serverName);
      const stream = connectTls({
        ...{ host, port },
        ...(minVersion !== undefined && { minVersion }),
        ...(ciphers !== undefined && { ciphers }),
        ...(isShown && { cert, key }),
        // An address is no server name (RFC 6066 §3); it stands in the certificate as an address.
        servername: isIP(serverName) === 0 ? serverName : '',
        checkServerIdentity: (_name, { raw }) => identityFault(raw, serverName),
        ...(localAddress && { localAddress }),
        ...(serverCa !== undefined && { ca: [...serverCa] }),
        rejectUnauthorized: verifyServers,
      });
      stream.setNoDelay(true).setKeepAlive(true, keepAliveInitialDelay);
      return whenReady(stream, 'secureConnect', timeoutMs);
    },
  };
}

/** The socket once `event` came. Rejects, and destroys it, where an error, its end or the time comes first. */
async function whenReady(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  timeoutMs: number,
): Promise<Socket> {
  let settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  const onReady = (): void => settle?.resolve();
  const onError = (error: Error): void => settle?.reject(error);
  const onClose = (): void => settle?.reject(new Error('the connection was closed before it could be used'));
  const timer = setTimeout(() => onError(new Error('the connection was not made in time')), timeoutMs);
  try {
    await new Promise<void>((resolve, reject) => {
      settle = { resolve, reject };
      socket.on(event, onReady).on('error', onError).on('close', onClose);
    });
  } catch (error) {
    socket.on('error', () => {});
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    socket.off(event, onReady).off('error', onError).off('close', onClose);
  }
  return socket;
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ''} ${remotePort ?? 0}`;
}

/** The certificate that the peer showed, where a CA that we trust vouches for it; null where it showed none, or another. */
export function certificateOf(stream: Socket): X509Certificate | null {
  if (!(stream instanceof TLSSocket) || !stream.authorized) return null;
  return stream.getPeerX509Certificate() ?? null;
}
