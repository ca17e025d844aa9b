/** Asks a STUN server where this machine is seen (RFC 8489), and says whether that is what phones and browsers are told. */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIPv4, isIPv6 } from 'node:net';
import type { Config } from '../config/config-schema.js';
import { parseHostPort } from '../sip-server/message/host-port.js';
import { StunClient } from '../sip-server/transport/stun-client.js';
import { ok, warn, whyOf, type Finding } from './finding.js';

const what = 'STUN';
const usualPort = 3478;

/** Empty where no server is named. `own`: the addresses of this machine's interfaces. */
export async function lookByStun(
  { publicIp, sip }: Pick<Config, 'publicIp' | 'sip'>,
  stunServer: string | undefined,
  own: readonly string[],
): Promise<Finding[]> {
  if (stunServer === undefined) return [];
  try {
    const seen = await askWhereWeAre(stunServer, sip.host);
    return [judged(seen, { publicIp, own, stunServer })];
  } catch (error) {
    return [warn(what, `${stunServer} does not say where this machine is: ${whyOf(error)}`)];
  }
}

function judged(
  seen: string,
  known: {
    readonly publicIp: string | undefined;
    readonly own: readonly string[];
    readonly stunServer: string;
  },
): Finding {
  const { publicIp, own, stunServer } = known;
  const words = `${stunServer} sees this machine at ${seen}`;
  if (publicIp === seen) return ok(what, `${words}, which is publicIp`);
  if (publicIp !== undefined && isIPv4(publicIp) === isIPv4(seen))
    return warn(what, `${words}, and publicIp is ${publicIp}: who calls from outside may not reach it`);
  if (own.includes(seen)) return ok(what, `${words}, an address of its own`);
  return warn(
    what,
    `${words}, which is no address of its own: set publicIp to it, where the ports are forwarded`,
  );
}

/** Rejects where the server cannot be found, or does not answer. `bindTo`: the address that SIP is listened on. */
export async function askWhereWeAre(server: string, bindTo: string): Promise<string> {
  const { host, port = usualPort } = parseHostPort(server) ?? { host: server };
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  const client = new StunClient(
    (bytes) =>
      new Promise((resolve, reject) => {
        socket.send(bytes, port, address, (error) => (error === null ? resolve() : reject(error)));
      }),
  );
  socket.on('error', () => client.close());
  socket.on('message', (bytes) => void client.receive(bytes, address, port));
  try {
    // By the way that phones' packets take.
    const isOwn = family === 6 ? isIPv6(bindTo) : isIPv4(bindTo);
    socket.bind({ port: 0, ...(isOwn && { address: bindTo }) });
    await once(socket, 'listening');
    const answer = await client.ask(address, port);
    if (answer === null) throw new Error('no answer');
    if (answer.address === null) throw new Error('it refuses to say');
    return answer.address;
  } finally {
    client.close();
    socket.close();
  }
}
