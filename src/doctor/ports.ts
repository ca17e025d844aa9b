/** Looks whether the ports that the gateway wants are free. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import type { Config } from '../config/config-schema.js';
import { fail, ok, type Finding } from './finding.js';

export async function lookAtPorts({
  http,
  sip,
  tls,
  rtp,
}: Pick<Config, 'http' | 'sip' | 'tls' | 'rtp'>): Promise<Finding[]> {
  const first = rtp.ports.from + (rtp.ports.from % 2);
  return Promise.all([
    tryPort('HTTP port', http.host, http.port, bindTcp),
    tryPort('SIP port, UDP', sip.host, sip.port, bindUdp),
    tryPort('SIP port, TCP', sip.host, sip.port, bindTcp),
    ...(tls.cert === undefined ? [] : [tryPort('SIP port, TLS', sip.host, sip.tlsPort, bindTcp)]),
    tryPort('first RTP port', sip.host, first, bindUdp),
    tryPort('last RTP port', sip.host, rtp.ports.to, bindUdp),
  ]);
}

async function tryPort(
  what: string,
  host: string,
  port: number,
  bind: (host: string, port: number) => Promise<void>,
): Promise<Finding> {
  const where = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  try {
    await bind(host, port);
    return ok(what, `${where} is free`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const why = reasons.get(code) ?? `cannot be had (${code})`;
    return fail(what, `${where} ${why}`);
  }
}

const reasons = new Map([
  ['EADDRINUSE', 'is taken by another program'],
  ['EADDRNOTAVAIL', 'is no address of this machine'],
  ['EACCES', 'is not for this user: ports below 1024 need a privilege'],
  ['ENOTFOUND', 'is a name that leads nowhere'],
]);

async function bindTcp(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } finally {
    server.close();
  }
}

async function bindUdp(host: string, port: number): Promise<void> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
  } finally {
    socket.close();
  }
}
