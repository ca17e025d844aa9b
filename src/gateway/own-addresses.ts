/** Looks, before anything is opened, whether the addresses to listen on are this machine's, and the ports free. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Config } from '../config/config-schema.js';
import { ConfigError } from '../config/load-config.js';
import { bindTcp, bindUdp } from '../doctor/ports.js';

/** What the system says where an address is the wrong one; anything else is for whoever listens there to say. */
const words: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'is no address of this machine',
  EINVAL: 'is no address that can be listened on',
  EAFNOSUPPORT: 'is of a kind that this machine does not have',
  ENOTFOUND: 'is no address, and no name that leads to one',
  EAI_AGAIN: 'is no address, and whether it is a name cannot be looked up now',
};

/** Rejects with ConfigError, which names each setting. */
export async function checkOwnAddresses({ http, sip, edge, freeswitch }: Config): Promise<void> {
  const hosts = [
    ['http.host', http.host],
    ['sip.host', sip.host],
    ...sip.listen.map(({ host }, index) => [`sip.listen.${index}.host`, host] as const),
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
export async function checkOwnPorts({ http, sip, tls, drachtio }: Config): Promise<void> {
  const wanted = [
    { bind: bindTcp, host: http.host, port: http.port },
    // Where there are drachtio-servers, phones come to theirs.
    ...(drachtio !== undefined
      ? []
      : [
          { bind: bindUdp, host: sip.host, port: sip.port },
          { bind: bindTcp, host: sip.host, port: sip.port },
          ...(tls.cert === undefined ? [] : [{ bind: bindTcp, host: sip.host, port: sip.tlsPort }]),
        ]),
  ];
  for (const { bind, host, port } of wanted) if (port !== 0) await bind(host, port);
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
