/**
 * Whether a SIP server still hears and still tells us: an OPTIONS over SIP from a socket of our own, which must come to us
 * through the server and whose answer must come back. The server is known by its address, the OPTIONS by a random
 * Call-ID; what else comes to the socket is nothing to us.
 */
import { randomUUID } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, isIP, isIPv6, type Socket } from 'node:net';
import type { Clock, Timer } from '../../domain/clock.js';
import { formatHostPort } from '../../domain/host-port.js';
import type { SipAddress } from './host-ports.js';

export interface ServerProbeOptions {
  readonly address: SipAddress;
  /** How long a probe has. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** `elsewhere`: answered with 2xx by another application of the same server; it says nothing of us. */
export type ProbeResult = 'heard' | 'elsewhere' | 'failed';

const maxResponseBytes = 16_384;

interface Pending {
  readonly callId: string;
  readonly timer: Timer;
  readonly finish: (result: ProbeResult) => void;
  cameToUs: boolean;
}

/** Probes one address, one probe at a time. */
export class ServerProbe {
  readonly #options: ServerProbeOptions;
  #udp: UdpSocket | null = null;
  #tcp: Socket | null = null;
  #pending: Pending | null = null;
  #closed = false;

  constructor(options: ServerProbeOptions) {
    this.#options = options;
  }

  /** An OPTIONS with this Call-ID came to us. */
  heard(callId: string | undefined): void {
    if (this.#pending !== null && callId === this.#pending.callId) this.#pending.cameToUs = true;
  }

  /** Never rejects; `failed` once closed. */
  send(): Promise<ProbeResult> {
    if (this.#closed || this.#pending !== null) return Promise.resolve('failed');
    return new Promise((resolve) => {
      const callId = randomUUID();
      const finish = (result: ProbeResult) => {
        if (this.#pending?.callId !== callId) return;
        timer.cancel();
        this.#pending = null;
        this.#tcp?.destroy();
        this.#tcp = null;
        resolve(result);
      };
      const timer = this.#options.clock.after(this.#options.timeoutMs, () => finish('failed'));
      this.#pending = { callId, timer, finish, cameToUs: false };
      if (this.#options.address.protocol === 'udp') this.#sendUdp(callId);
      else this.#sendTcp(callId);
    });
  }

  close(): void {
    this.#closed = true;
    this.#pending?.finish('failed');
    this.#udp?.close();
    this.#udp = null;
  }

  #sendUdp(callId: string): void {
    const { host, port } = this.#options.address;
    const send = (socket: UdpSocket) => {
      const { address, port: ourPort } = socket.address();
      const us = formatHostPort({ host: address, port: ourPort });
      // Errors (a name that does not resolve, no route) are probes that fail.
      socket.send(optionsRequest(this.#options.address, us, callId), port, host, () => undefined);
    };
    if (this.#udp !== null) return send(this.#udp);
    const udp = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    this.#udp = udp;
    udp.unref();
    udp.on('error', () => {
      if (this.#udp === udp) this.#udp = null;
      udp.close();
      this.#pending?.finish('failed');
    });
    udp.on('message', (bytes, from) => {
      if (from.port !== port || (isIP(host) !== 0 && from.address !== host)) return;
      this.#received(bytes.toString('latin1'));
    });
    udp.bind(() => {
      if (this.#udp === udp) send(udp);
    });
  }

  /** A connection for each probe: drachtio-server keeps those that others forgot. */
  #sendTcp(callId: string): void {
    const { host, port } = this.#options.address;
    const tcp = connect({ host, port });
    this.#tcp = tcp;
    tcp.unref();
    let text = '';
    tcp.on('error', () => this.#pending?.callId === callId && this.#pending.finish('failed'));
    tcp.on('connect', () => {
      const us = formatHostPort({ host: tcp.localAddress ?? '', port: tcp.localPort ?? 0 });
      tcp.write(optionsRequest(this.#options.address, us, callId));
    });
    tcp.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.length > maxResponseBytes) tcp.destroy();
      else if (text.includes('\r\n\r\n')) this.#received(text);
    });
  }

  #received(text: string): void {
    const [head = ''] = text.split('\r\n\r\n', 1);
    const status = Number(/^SIP\/2\.0 ([2-6]\d\d) /.exec(head)?.[1] ?? 0);
    const callId = /^(?:Call-ID|i)[ \t]*:[ \t]*(\S+)$/im.exec(head)?.[1];
    const pending = this.#pending;
    if (pending === null || callId !== pending.callId || status === 0) return;
    if (pending.cameToUs) pending.finish('heard');
    else pending.finish(status < 300 ? 'elsewhere' : 'failed');
  }
}

/** `us`: `host:port` of our socket. */
function optionsRequest(server: SipAddress, us: string, callId: string): string {
  const uri = `sip:probe@${formatHostPort(server)}`;
  return [
    `OPTIONS ${uri} SIP/2.0`,
    // `rport` brings the answer back to where this really comes from (RFC 3581), so a wildcard address does no harm.
    `Via: SIP/2.0/${server.protocol.toUpperCase()} ${us};branch=z9hG4bK${callId};rport`,
    'Max-Forwards: 5',
    `From: <sip:probe@${us}>;tag=${callId.slice(0, 8)}`,
    `To: <${uri}>`,
    `Call-ID: ${callId}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
