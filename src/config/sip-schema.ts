/** Settings of SIP: where it is spoken, and what it may cost. */
import * as z from 'zod';
import {
  count,
  group,
  host,
  hostName,
  ownAddress,
  path,
  port,
  publicAddress,
  seconds,
  secret,
} from './schema-parts.js';

export const sipGroups = {
  sip: group('SIP', {
    host: ownAddress.default('127.0.0.1').describe('Address to listen on, UDP and TCP.'),
    port: port.default(5060).describe('Port to listen on; 0 for any free one.'),
    listen: z
      .array(
        z.strictObject({
          host: ownAddress,
          port: port.default(5060),
          tlsPort: port.default(5061),
          transports: z
            .array(z.enum(['udp', 'tcp', 'tls']))
            .min(1)
            .max(3)
            .default(['udp', 'tcp']),
          address: publicAddress.optional(),
          name: hostName.optional(),
          cert: path.optional(),
          key: path.optional(),
        }),
      )
      .max(32)
      .default([])
      .meta({
        description:
          'Further addresses to listen on: each with `host`, `port` (5060), `tlsPort` (5061), `transports` (udp, tcp; tls), and what those are told who come there, `address` in Contact and SDP (that of the socket) and `name` in Contact; over TLS with `cert` and `key` a certificate of its own in place of `tls.cert`. A `::` here is IPv6 alone. Only in the file.',
        fileOnly: true,
      }),
    tlsPort: port
      .default(5061)
      .describe('Port for SIP over TLS, once there is `tls.cert`; 0 for any free one.'),
    callsFromNoTrunk: z
      .enum(['token', 'refuse'])
      .default('token')
      .describe(
        'Phones’ calls that come from no trunk: `token` lets those in that show a good token, or are sent to a number that allows them; `refuse` none.',
      ),
    maxMessageBytes: z.int().min(2048).default(65_536).describe('Largest SIP message.'),
    maxTransactions: count
      .default(20_000)
      .describe('Transactions at once; above it new requests get 503, those within calls go on.'),
    maxTransactionsPerAddress: count
      .default(15_000)
      .describe(
        'Of these, for requests outside of calls from one IPv4 address or IPv6 /64 network. A call leaves one for 32 s.',
      ),
    maxTransactionsPerDialog: count
      .default(200)
      .describe(
        'Of these, for requests within one call; above it the oldest that is answered gives its place up. A phone that sends each key in an INFO leaves as many in 32 s as keys were pressed.',
      ),
    maxDialogs: count.default(10_000).describe('Dialogs at once; above it new calls get 503.'),
    maxConnections: count
      .default(10_000)
      .describe(
        'TCP connections at once, and as many WebSockets. Where more come, the oldest that has come to nothing goes.',
      ),
    maxConnectionsPerAddress: count
      .default(200)
      .describe(
        'The same from one IPv4 address or IPv6 /64 network. Behind a proxy set `http.trustedProxies`, or all browsers have the proxy’s.',
      ),
    strangerAnswersPerSecond: count
      .default(100)
      .describe(
        'Refusals and answers to OPTIONS that one source gets over UDP, and over connections; ten times as many where it had a call lately. Beyond them requests without a good credential are not answered.',
      ),
    banAfterRefusals: z
      .int()
      .min(0)
      .default(300)
      .describe(
        'A source that was refused so often in a minute over TCP or TLS, and has had no call for an hour, is not heard for a while. 0: none is.',
      ),
    banSeconds: seconds.default(600).describe('How long such a source is not heard.'),
    scanners: z
      .enum(['drop', 'answer'])
      .default('drop')
      .describe(
        'What scanners get where they show nothing good: `drop` no answer, `answer` the same as others.',
      ),
    scannerAgents: z
      .array(z.string().min(3).max(100))
      .max(100)
      .default([
        ...['friendly-scanner', 'sipvicious', 'sundayddr', 'sip-scan', 'sipscan', 'siparmyknife'],
        ...['vaxsipuseragent', 'pplsip', 'sivus', 'iwar', 'smap', 'gulp'],
      ])
      .describe('Parts of the User-Agent by which they are known, in any case.'),
    sweptUsersPerMinute: z
      .int()
      .min(0)
      .default(30)
      .describe(
        'Over TCP and TLS a source that calls more different users in vain within a minute counts as one. 0: none does.',
      ),
    maxWaitingDatagrams: count
      .default(2000)
      .describe(
        'Datagrams of strangers that wait to be read, those that show a credential and others counted apart. Whoever is known, and what belongs to calls, is read first; above this, and above 4 kB for each, the oldest of the others are dropped.',
      ),
    maxStrangers: count.default(10_000).describe('Sources whose refusals are counted; more are forgotten.'),
    idleTimeoutSeconds: seconds
      .default(900)
      .describe('A TCP connection that carries nothing for this long is closed, unless a call goes over it.'),
    firstMessageTimeoutSeconds: seconds
      .default(30)
      .describe('A TCP connection or WebSocket that has brought no SIP message by then is closed.'),
    stalledSeconds: seconds
      .default(30)
      .describe(
        'A peer that takes nothing of what it is sent over TCP or a WebSocket for this long is cut off.',
      ),
    sessionTimerSeconds: z
      .int()
      .max(86_400)
      .refine((value) => value === 0 || value >= 90, 'must be 0 or at least 90')
      .default(1800)
      .describe(
        'Session timer offered to phones that know them: one that is gone is noticed after half of it. 0: none.',
      ),
    explanationsPerMinute: z
      .int()
      .min(0)
      .default(60)
      .describe('Calls that each account may have explained (`POST /sip/explain`) in a minute; 0: none.'),
    answerTimeoutSeconds: seconds
      .default(10)
      .describe('A call that could not be answered by then is refused with 503.'),
  }),
  hep: group('Homer: a collector that every SIP message is sent to (HEP version 3, over UDP)', {
    host: host.optional().meta({
      description: 'Its address or name. Homer takes HEP on 9060.',
      defaultText: 'nothing is sent',
    }),
    port: z.int().min(1).max(65_535).default(9060).describe('Its port.'),
    captureId: z.int().min(0).max(0xffff_ffff).default(2001).describe('By which it knows this gateway.'),
    password: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .meta({
        description: 'Where it asks for one.',
        defaultText: 'none',
        ...secret,
      }),
    redact: z
      .boolean()
      .default(true)
      .describe(
        'Tokens, join codes, passwords and keys are taken out first; see docs/sip-troubleshooting.md.',
      ),
  }),
  trace: group('Traces: the last messages of calls, in memory, where an account asked for them', {
    maxTraces: count.default(10).describe('Traces of each account.'),
    maxMinutes: count.max(10_080).default(1440).describe('How long one may last.'),
    keepMinutes: count.max(10_080).default(60).describe('How long what was kept stays after its end.'),
    maxCalls: count.max(10_000).default(200).describe('Calls kept of each account; the oldest goes first.'),
    maxMessagesPerCall: count
      .max(10_000)
      .default(200)
      .describe('Messages kept of each; the oldest goes first.'),
    maxBytes: z.int().min(65_536).default(8_388_608).describe('Kept of each account, in bytes.'),
  }),
};
