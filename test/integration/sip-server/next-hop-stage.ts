/** A SIP server that finds its next hops through a DNS server of the test's own, with drachtio-srf behind it. */
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import {
  createSipServer,
  parseMessage,
  type SipMessage,
  type SipServer,
} from '../../../src/sip-server/index.js';
import { DnsServer } from '../../support/dns-server.js';
import { UdpPeer } from './raw-peer.js';
import { connectApp, secret, type SrfApp } from './srf-app.js';

export const firstResponseMs = 700;
export let dns: DnsServer;
export let server: SipServer;
export let srf: SrfApp;
const peers: UdpPeer[] = [];
/** Called at the end of the test. */
export const closers: (() => unknown)[] = [];

/** Starts the SIP server, and connects an application to it. */
export async function start(options: Partial<Parameters<typeof createSipServer>[0]> = {}): Promise<void> {
  server = await createSipServer({
    udp: { host: '127.0.0.1', port: 0 },
    tcp: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0, secret },
    nextHop: { dnsServers: [dns.address], firstResponseMs, dnsTimeoutMs: 1_000, random: () => 0 },
    ...options,
  });
  srf = await connectApp(server, () => undefined);
}

/** A DNS server of its own for each test of the file that calls it (at its top), which starts the SIP server itself. */
export function useNextHops(): void {
  beforeEach(async () => {
    dns = await DnsServer.open();
    dns.a('one.test', '127.0.0.1').a('two.test', '127.0.0.1');
    dns.naptr('trunk.test', { service: 'SIP+D2U', replacement: '_sip._udp.trunk.test' });
  });

  afterEach(async () => {
    srf.disconnect();
    for (const peer of peers.splice(0)) await peer.close();
    for (const close of closers.splice(0)) await close();
    await server.close();
    dns.close();
  });
}

export async function peer(): Promise<UdpPeer> {
  const opened = await UdpPeer.open(server.udpAddress?.port ?? 0);
  peers.push(opened);
  return opened;
}

/** Two servers of `sip:trunk.test`, by UDP. */
export async function twoServers(): Promise<[UdpPeer, UdpPeer]> {
  const [one, two] = [await peer(), await peer()];
  dns.srv(
    '_sip._udp.trunk.test',
    { priority: 1, port: one.port, target: 'one.test' },
    { priority: 2, port: two.port, target: 'two.test' },
  );
  return [one, two];
}

/** Takes connections and keeps what comes by them, message by message. */
export function listening(tcp: Server): Promise<{ port: number; received: SipMessage[]; sockets: Socket[] }> {
  const received: SipMessage[] = [];
  const sockets: Socket[] = [];
  const take = (socket: Socket): void => {
    sockets.push(socket);
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/^Content-Length: (\d+)/im.exec(text)?.[1] ?? 0);
      if (end < 0 || text.length < end + 4 + length) return;
      const result = parseMessage(Buffer.from(text.slice(0, end + 4 + length), 'latin1'));
      text = text.slice(end + 4 + length);
      if (result.ok) received.push(result.message);
    });
  };
  tcp.on('setSecureContext' in tcp ? 'secureConnection' : 'connection', take);
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => tcp.close(resolve));
  });
  return new Promise((resolve) =>
    tcp.listen(0, '127.0.0.1', () =>
      resolve({ port: (tcp.address() as AddressInfo).port, received, sockets }),
    ),
  );
}
