/** Settings of HTTP: REST, hooks, WebSockets, the console. */
import * as z from 'zod';
import { count, group, host, network, port, seconds, webUrl } from './schema-parts.js';

/** Paths are written behind it. */
const publicUrl = webUrl.max(200).refine((text) => {
  const { username, search, hash } = new URL(text);
  return username === '' && search === '' && hash === '' && !/[?#]$/.test(text);
}, 'must be a URL without user, ? and #');

export const httpGroups = {
  http: group('HTTP: REST, WebSockets, console, metrics', {
    host: host.default('127.0.0.1').describe('Address to listen on.'),
    port: port.default(8080).describe('Port to listen on; 0 for any free one.'),
    publicUrl: publicUrl.optional().meta({
      description:
        'The URL that voice platforms call us at, like `https://gw.example.com`; their signatures cover it.',
      defaultText: 'what each request says',
    }),
    bodyLimitBytes: z.int().min(1024).default(65_536).describe('Largest request body.'),
    requestTimeoutSeconds: seconds.default(30).describe('How long a client may take to send a request.'),
    closeGraceSeconds: seconds
      .max(300)
      .default(5)
      .describe('At its end the gateway waits this long for answers that are being sent.'),
    keepAliveSeconds: seconds.default(72).describe('How long an idle connection stays open.'),
    lingerSeconds: seconds
      .max(60)
      .default(2)
      .describe('A client that leaves its connection open after the last answer is cut off after this.'),
    stalledSeconds: seconds
      .default(30)
      .describe('A client that takes nothing of its answer for this long is cut off.'),
    maxConnections: count
      .default(10_000)
      .describe(
        'Connections at once, WebSockets and event streams included. Where more come, the oldest that asks for nothing goes.',
      ),
    maxConnectionsPerAddress: count
      .default(500)
      .describe(
        'The same from one IPv4 address or IPv6 /64 network. Trusted proxies may have more, each client behind them as many WebSockets.',
      ),
    maxRequestsAhead: count
      .default(32)
      .describe('Requests that one connection may have without an answer; one that sends more is cut off.'),
    requestsPerTurn: count
      .default(16)
      .describe(
        'Requests that are served before calls have their turn; of more that stand ready each address has its turn.',
      ),
    failedLoginsPerMinute: count
      .default(30)
      .describe(
        'Wrong credentials accepted per address and minute, at REST and at hooks with a password, before 429 is answered.',
      ),
    maxLoginSources: count.default(10_000).describe('Addresses whose failed logins are remembered.'),
    trustedProxies: z
      .array(network)
      .default([])
      .describe('Addresses or networks of proxies whose X-Forwarded-For is believed.'),
  }),
};
