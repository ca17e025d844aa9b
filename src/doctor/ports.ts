/** Looks whether the ports that the gateway wants are free. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import { browserSockets } from '../config/browser-sockets.js';
import type { Config } from '../config/config-schema.js';
import { sipPlaces, socketsOf, type SipSocket } from '../config/sip-places.js';
import { formatHostPort } from '../sip-server/message/host-port.js';
import { fail, ok, warn, type Finding } from './finding.js';

export async function lookAtPorts(
  config: Pick<Config, 'http' | 'sip' | 'tls' | 'rtp' | 'browser' | 'workers' | 'publicIp' | 'drachtio'>,
): Promise<Finding[]> {
  const { http, rtp, browser, drachtio } = config;
  const places = sipPlaces(config);
  // Where there are drachtio-servers, phones come to the ports of those.
  const sockets = drachtio === undefined ? places.flatMap(socketsOf) : [];
  const hosts = [...new Set(places.map(({ host }) => host))];
  return Promise.all([
    tryPort('HTTP port', http, bindTcp),
    ...sockets.map((socket) => tryPort(`SIP port, ${socket.transport.toUpperCase()}`, socket, bindSip)),
    ...hosts.map((host) => tryRtpPorts(host, rtp.ports, hosts.length > 1)),
    ...(browser.ports === undefined ? [] : [tryBrowserPorts(places[0].host, browser.ports)]),
    ...browserSockets(config).map((socket) =>
      tryPort(
        `browser port, ${socket.transport.toUpperCase()}`,
        socket,
        socket.transport === 'udp' ? bindUdp : bindTcp,
      ),
    ),
  ]);
}

async function tryPort<Wanted extends WantedPort>(
  what: string,
  wanted: Wanted,
  bind: (wanted: Wanted) => Promise<void>,
): Promise<Finding> {
  const where = formatHostPort(wanted.host, wanted.port);
  try {
    await bind(wanted);
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

/**
 * Each phone takes a pair, from an even port on; where one of the two is taken the gateway takes another pair. `isOneOfSeveral`: the
 * address is named.
 */
async function tryRtpPorts(host: string, { from, to }: PortRange, isOneOfSeveral: boolean): Promise<Finding> {
  const { taken, refusal } = await lookAtRange(host, { from, to });
  const range = `${from}-${to}${isOneOfSeveral ? ` at ${host}` : ''}`;
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

interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Each connection of a browser takes one. */
async function tryBrowserPorts(host: string, { from, to }: PortRange): Promise<Finding> {
  const { taken, refusal } = await lookAtRange(host, { from, to });
  const range = `${from}-${to}`;
  const all = to - from + 1;
  if (refusal !== null) return fail('browser ports', `${range} ${reasonOf(refusal)}`);
  if (taken.length === all) return fail('browser ports', `none of ${range} is free`);
  if (taken.length === 0) return ok('browser ports', `${range} are free, for ${all} connections`);
  return warn(
    'browser ports',
    `${taken.length} of ${range} are taken by other programs, ${Math.min(...taken)} among them: connections take the others`,
  );
}

/** `refusal`: why one cannot be had, but for those that are taken. */
async function lookAtRange(
  host: string,
  { from, to }: PortRange,
): Promise<{ readonly taken: readonly number[]; readonly refusal: string | null }> {
  const taken: number[] = [];
  let refusal: string | null = null;
  const look = async (port: number): Promise<void> => {
    const code = await bindUdp({ host, port }).then(() => null, codeOf);
    if (code === 'EADDRINUSE') taken.push(port);
    else refusal ??= code;
  };
  for (let next = from; next <= to; next += portsAtOnce) {
    const ports = Array.from({ length: Math.min(portsAtOnce, to - next + 1) }, (_, index) => next + index);
    await Promise.all(ports.map(look));
  }
  return { taken, refusal };
}

export interface WantedPort {
  readonly host: string;
  readonly port: number;
  /** `::` takes no IPv4. Default false. */
  readonly ipv6Only?: boolean;
}

/** Rejects with the system's error. */
export function bindSip(socket: SipSocket): Promise<void> {
  return socket.transport === 'udp' ? bindUdp(socket) : bindTcp(socket);
}

/** Rejects with the system's error. */
export async function bindTcp({ host, port, ipv6Only = false }: WantedPort): Promise<void> {
  const server = createServer();
  try {
    server.listen({ port, host, ipv6Only });
    await once(server, 'listening');
  } finally {
    server.close();
  }
}

/** Rejects with the system's error. */
export async function bindUdp({ host, port, ipv6Only = false }: WantedPort): Promise<void> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', ipv6Only });
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
  } finally {
    socket.close();
  }
}
