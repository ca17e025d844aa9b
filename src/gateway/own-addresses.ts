/** Looks, before anything is opened, whether the addresses to listen on are this machine's, and the ports free. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Config } from '../config/config-schema.js';
import { browserSockets } from '../config/browser-sockets.js';
import { ConfigError } from '../config/load-config.js';
import { sipPlaces, socketsOf } from '../config/sip-places.js';
import { bindSip, bindTcp, bindUdp } from '../doctor/ports.js';

/** What the system says where an address is the wrong one; anything else is for whoever listens there to say. */
const words: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'is no address of this machine',
  EINVAL: 'is no address that can be listened on',
  EAFNOSUPPORT: 'is of a kind that this machine does not have',
  ENOTFOUND: 'is no address, and no name that leads to one',
  EAI_AGAIN: 'is no address, and whether it is a name cannot be looked up now',
};

/** Rejects with ConfigError, which names each setting. */
export async function checkOwnAddresses(config: Config): Promise<void> {
  const { http, edge, freeswitch } = config;
  const hosts = [
    ['http.host', http.host],
    ...sipPlaces(config).map(({ setting, host }) => [`${setting}.host`, host] as const),
    ...(freeswitch === undefined ? [] : [['edge.sipHost', edge.sipHost]]),
  ] as const;
  const problems: string[] = [];
  for (const [setting = '', host = ''] of hosts) {
    const why = words[(await listeningFault(host)) ?? ''];
    if (why !== undefined) problems.push(`${setting}: ${host} ${why}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

/**
 * Rejects with the system's error of a port that is taken. Whoever listens finds it out, too: but only when much stands already,
 * and has said so.
 */
export async function checkOwnPorts(config: Config): Promise<void> {
  const { http, drachtio } = config;
  if (http.port !== 0) await bindTcp(http);
  for (const socket of browserSockets(config))
    await (socket.transport === 'udp' ? bindUdp(socket) : bindTcp(socket));
  // Where there are drachtio-servers, phones come to theirs.
  if (drachtio !== undefined) return;
  for (const socket of sipPlaces(config).flatMap(socketsOf)) if (socket.port !== 0) await bindSip(socket);
}

/** The system's code; null where one can listen there. */
async function listeningFault(host: string): Promise<string | null> {
  const server = createServer();
  try {
    server.listen(0, host);
    await once(server, 'listening');
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : null;
  } finally {
    server.close();
  }
}
