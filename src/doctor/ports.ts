/** Looks whether the ports that the gateway wants are free. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import type { Config } from '../config/config-schema.js';
import { formatHostPort } from '../sip-server/message/host-port.js';
import { fail, ok, warn, type Finding } from './finding.js';

export async function lookAtPorts({
  http,
  sip,
  tls,
  rtp,
}: Pick<Config, 'http' | 'sip' | 'tls' | 'rtp'>): Promise<Finding[]> {
  return Promise.all([
    tryPort('HTTP port', http.host, http.port, bindTcp),
    tryPort('SIP port, UDP', sip.host, sip.port, bindUdp),
    tryPort('SIP port, TCP', sip.host, sip.port, bindTcp),
    ...(tls.cert === undefined ? [] : [tryPort('SIP port, TLS', sip.host, sip.tlsPort, bindTcp)]),
    ...sip.listen.flatMap(({ host, port, tlsPort, transports }) => [
      ...(transports.includes('udp') ? [tryPort('SIP port, UDP', host, port, bindUdp)] : []),
      ...(transports.includes('tcp') ? [tryPort('SIP port, TCP', host, port, bindTcp)] : []),
      ...(transports.includes('tls') ? [tryPort('SIP port, TLS', host, tlsPort, bindTcp)] : []),
    ]),
    tryRtpPorts(sip.host, rtp.ports),
  ]);
}

async function tryPort(
  what: string,
  host: string,
  port: number,
  bind: (host: string, port: number) => Promise<void>,
): Promise<Finding> {
  const where = formatHostPort(host, port);
  try {
    await bind(host, port);
    return ok(what, `${where} is free`);
  } catch (error) {
    return fail(what, `${where} ${reasonOf(codeOf(error))}`);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

const reasonOf = (code: string): string => reasons.get(code) ?? `cannot be had (${code})`;

const reasons = new Map([
  ['EADDRINUSE', 'is taken by another program'],
  ['EADDRNOTAVAIL', 'is no address of this machine'],
  ['EACCES', 'is not for this user: ports below 1024 need a privilege'],
  ['ENOTFOUND', 'is a name that leads nowhere'],
]);

/** How many ports are tried before others have their turn: each is a socket. */
const portsAtOnce = 100;

/** Each phone takes a pair, from an even port on; where one of the two is taken the gateway takes another pair. */
async function tryRtpPorts(
  host: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Finding> {
  const taken: number[] = [];
  let refusal: string | null = null;
  const look = async (port: number): Promise<void> => {
    const code = await bindUdp(host, port).then(() => null, codeOf);
    if (code === 'EADDRINUSE') taken.push(port);
    else refusal ??= code;
  };
  for (let next = from; next <= to; next += portsAtOnce) {
    const ports = Array.from({ length: Math.min(portsAtOnce, to - next + 1) }, (_, index) => next + index);
    await Promise.all(ports.map(look));
  }
  const range = `${from}-${to}`;
  if (refusal !== null) return fail('RTP ports', `${range} ${reasonOf(refusal)}`);
  const firstEven = from + (from % 2);
  const pairs = Math.floor((to - firstEven + 1) / 2);
  const pairsTaken = new Set(
    taken.filter((port) => port >= firstEven && port < firstEven + 2 * pairs).map((port) => port >> 1),
  ).size;
  if (pairs === pairsTaken) return fail('RTP ports', `no pair of ${range} is free`);
  if (pairsTaken === 0) return ok('RTP ports', `${range} are free, for ${pairs} calls`);
  return warn(
    'RTP ports',
    `${pairsTaken} of ${pairs} pairs of ${range} are taken by other programs, ${Math.min(...taken)} among them: calls take the others`,
  );
}

/** Rejects with the system's error. */
export async function bindTcp(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } finally {
    server.close();
  }
}

/** Rejects with the system's error. */
export async function bindUdp(host: string, port: number): Promise<void> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
  } finally {
    socket.close();
  }
}
