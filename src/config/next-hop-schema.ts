/** Settings of how the servers are found that our SIP requests go to. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { count, group, network, seconds } from './schema-parts.js';

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`. */
function isDnsServer(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(portText);
  return isIP(bracketed ?? plain ?? '') !== 0 && port >= 1 && port <= 65_535;
}

export const nextHopGroups = {
  nextHop: group('SIP servers that we send requests to', {
    dnsServers: z
      .array(z.string().refine(isDnsServer, 'must be addresses, with a port or without'))
      .max(8)
      .default([])
      .describe(
        'Addresses of DNS servers, with a port or without. Empty: those of the system, and its hosts file for names that no caller chose.',
      ),
    dnsTimeoutSeconds: seconds.max(30).default(2).describe('How long an answer of the DNS is waited for.'),
    dnsCacheSeconds: seconds
      .max(86_400)
      .default(30)
      .describe(
        'How long NAPTR and SRV records, and that there is nothing, are kept; addresses as the DNS says.',
      ),
    maxDnsAnswers: count
      .default(2000)
      .describe(
        'Answers kept, and as many for names that callers chose; those asked for longest ago go first.',
      ),
    firstResponseSeconds: seconds
      .max(32)
      .default(4)
      .describe('A server that has answered nothing by then is left for the next one of its name.'),
    maxTargets: count.max(64).default(8).describe('Servers looked up, and tried, for one request.'),
    lookUpSeconds: seconds
      .max(300)
      .default(12)
      .describe('Looking servers up for one request takes so long at most, in all.'),
    deadSeconds: seconds
      .max(86_400)
      .default(60)
      .describe('One that failed is tried after the others of its name for so long.'),
    maxDead: count.default(1000).describe('Such servers remembered.'),
    keepAliveSeconds: z
      .int()
      .max(3600)
      .refine((value) => value === 0 || value >= 95, 'must be 0 or at least 95')
      .default(120)
      .describe(
        'A TCP or TLS connection of ours that a call or a registration goes over is pinged after 80 to 100 % of that (RFC 5626). 0: never.',
      ),
    pongSeconds: seconds
      .max(60)
      .default(10)
      .describe(
        'A peer that answered earlier pings, and not one for so long, is gone: the connection is closed.',
      ),
    udpKeepAliveSeconds: z
      .int()
      .max(3600)
      .refine((value) => value === 0 || value >= 5, 'must be 0 or at least 5')
      .default(25)
      .describe(
        'The same for a registration of ours over UDP: by STUN where the registrar says that it takes it (RFC 6223), else with line breaks. 0: never.',
      ),
    udpOnlyNetworks: z
      .array(network)
      .max(100)
      .default([])
      .describe(
        'Servers there get requests above 1,300 bytes over UDP as well, where others get them over TCP if they take it. `0.0.0.0/0, ::/0`: all.',
      ),
  }),
};
