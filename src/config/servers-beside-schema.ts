/** Settings of the servers that may stand beside the gateway: a drachtio-server, a FreeSWITCH. */
import * as z from 'zod';
import { count, group, ownAddress, port, seconds } from './schema-parts.js';

export const serversBesideGroups = {
  sipServer: group('A separate drachtio-server', {
    longestRetrySeconds: seconds
      .max(300)
      .default(10)
      .describe('A server that is away is tried again after 0.25 s, then later and later, up to this.'),
    graceSeconds: z
      .int()
      .min(0)
      .max(300)
      .default(10)
      .describe('Calls go on for this long without their server; when it is back they are hung up.'),
    probeSeconds: z
      .int()
      .min(0)
      .max(300)
      .default(5)
      .describe('How often the server is sent an OPTIONS over SIP, which must come back to us. 0: never.'),
    probeFailures: count
      .max(100)
      .default(3)
      .describe('A server that kept so many probes in a row to itself is deaf, and is connected to anew.'),
  }),

  edge: group('FreeSWITCH as phone edge', {
    fallback: z
      .enum(['native', 'refuse'])
      .default('native')
      .describe('Calls while no FreeSWITCH is alive: to the native edge, or 503.'),
    sipHost: ownAddress
      .default('127.0.0.1')
      .describe('Our address towards FreeSWITCH: its SIP and its event sockets come to us there.'),
    sipPort: port.default(0).describe('UDP and TCP port for SIP with FreeSWITCH; 0 for any free one.'),
    eventSocketPort: port
      .default(0)
      .describe('TCP port that FreeSWITCH’s outbound event sockets come to; 0 for any free one.'),
    requestTimeoutMs: z
      .int()
      .min(100)
      .max(60_000)
      .default(4000)
      .describe('What FreeSWITCH has not done by then has failed.'),
    longestRetrySeconds: seconds
      .max(300)
      .default(10)
      .describe('A FreeSWITCH that is away is tried again after 0.5 s, then later and later, up to this.'),
    healthSeconds: seconds.max(300).default(2).describe('How often each FreeSWITCH is asked for its health.'),
    maxLegs: count.default(500).describe('Phone legs at once on one FreeSWITCH.'),
  }),
};
