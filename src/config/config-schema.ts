/**
 * Every setting and every limit of Landbridge, once. Types, checks, environment names, the reference page and the example
 * file all follow from this. A setting's environment name is its path: `http.bodyLimitBytes` is LANDBRIDGE_HTTP_BODY_LIMIT_BYTES.
 */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { eventTypes } from '../domain/facts/event-types.js';
import { isKnownCountry } from '../phone-numbers/e164.js';
import {
  count,
  group,
  host,
  network,
  path,
  port,
  publicAddress,
  seconds,
  secret,
  serverList,
} from './schema-parts.js';
import { serversBesideGroups } from './servers-beside-schema.js';
import { sipGroups } from './sip-schema.js';
import { soundsAndRecordingsGroups } from './sounds-and-recordings-schema.js';
import { tlsGroups } from './tls-schema.js';

const hours = z.int().min(1).max(8760);
const webUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).max(2048);
/** Paths are written behind it. */
const publicUrl = webUrl.max(200).refine((text) => {
  const { username, search, hash } = new URL(text);
  return username === '' && search === '' && hash === '' && !/[?#]$/.test(text);
}, 'must be a URL without user, ? and #');
const accountId = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, hyphens or underscores');
const username = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^:]*$/, 'must not contain a colon');
const password = z.string().min(1).max(1024);
const tokenSecret = z.string().min(32, 'must have at least 32 characters');

/** One core is left for signalling, REST and the store, which live in the main process. */
function defaultWorkers(): number {
  return Math.max(1, availableParallelism() - 1);
}

const portRange = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, 'must be two port numbers like 20000-29999')
  .transform((text) => {
    const [from = 0, to = 0] = text.split('-').map(Number);
    return { from, to };
  })
  .refine(
    ({ from, to }) => from >= 1024 && to <= 65_535 && to > from,
    'must be a rising range within 1024-65535',
  );

const callerPrivacy = z.enum(['full', 'masked', 'none']);

export const configSchema = z.strictObject({
  account: accountId
    .optional()
    .meta({ description: 'Account id: the `{accountId}` in REST paths.', defaultText: '`local`' }),
  username: username.optional().meta({ description: 'User name for HTTP Basic.', defaultText: '`local`' }),
  password: password.optional().meta({
    description: 'Password for HTTP Basic.',
    defaultText: 'made at the first start and kept in the data directory',
    ...secret,
  }),
  accounts: z
    .array(
      z.strictObject({
        account: accountId,
        username,
        password,
        callerPrivacy: callerPrivacy.optional(),
      }),
    )
    .max(10_000)
    .default([])
    .meta({
      description:
        'Further accounts, each once, with `account`, `username`, `password` and, if it differs, `callerPrivacy`. Only in the file.',
      fileOnly: true,
    }),
  operatorAccount: accountId.optional().meta({
    description:
      'The account that runs the gateway: it may drain it and lift bans (`/v1/node`), and sees refused calls that named no account.',
    defaultText: 'the only account; where there are several, none',
  }),
  tokenSecret: tokenSecret.optional().meta({
    description: 'Signs participants’ tokens; at least 32 characters.',
    defaultText: 'made at the first start and kept in the data directory',
    ...secret,
  }),
  previousTokenSecret: tokenSecret
    .optional()
    .meta({ description: 'Verifies tokens signed before a change of `tokenSecret`.', ...secret }),
  tokenHeaders: z
    .array(z.string().regex(/^[Xx]-[A-Za-z0-9-]{1,100}$/, 'must be names that begin with X-'))
    .max(10)
    .default(['X-Landbridge-Token', 'X-PH-Token'])
    .describe('SIP headers that may carry a token, in the order they are looked at.'),
  dataDir: path
    .default('./landbridge-data')
    .describe('Where the database and the generated credentials are kept.'),
  store: z
    .string()
    .default('sqlite')
    .superRefine((text, context) => {
      if (text === 'sqlite') return;
      const message = /^rediss?:\/\//.test(text)
        ? 'Redis is not supported yet in this version; use sqlite'
        : 'must be sqlite';
      context.addIssue({ code: 'custom', message });
    })
    .describe('`sqlite` keeps everything in the data directory.'),
  publicIp: publicAddress.optional().meta({
    description: 'The address that phones and browsers reach this machine at: in Contact and SDP.',
    defaultText: 'the address of the interface',
  }),
  advertise: z
    .array(
      z.strictObject({
        networks: z.array(network).min(1).max(100),
        address: z.union([z.ipv4(), z.ipv6()], 'must be an IPv4 or IPv6 address'),
        host: z
          .string()
          .regex(/^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'must be a host name')
          .optional(),
      }),
    )
    .max(100)
    .default([])
    .meta({
      description:
        'What others are told in place of `publicIp`: each with `networks` (those whose signalling comes from there), `address` and, for a name in Contact and Via, `host`. The first that fits. Only in the file.',
      fileOnly: true,
    }),
  workers: z.int().min(1).max(256).default(defaultWorkers).meta({
    description: 'Media worker processes. One core is left for signalling, REST and the store.',
    defaultText: 'cores − 1, at least 1',
  }),
  drachtio: serverList.optional().meta({
    description:
      '`host:port:secret` of a drachtio-server for the phones’ SIP; several separated by commas. Browsers’ stays ours.',
    defaultText: 'the embedded SIP server',
    ...secret,
  }),
  freeswitch: serverList.optional().meta({
    description:
      '`host:port:secret` of FreeSWITCH’s event socket for the phones’ audio; several separated by commas.',
    defaultText: 'the native phone edge',
    ...secret,
  }),
  callerPrivacy: callerPrivacy
    .default('masked')
    .describe(
      'What events, lists and records show of a caller: `full` number and name, a `masked` number, or `none`.',
    ),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least severe level that is logged.'),
  drainSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(60)
    .describe('How long a stopping gateway waits for calls in progress before it ends them.'),

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

  ...sipGroups,

  ...tlsGroups,

  rtp: group('Phone audio', {
    ports: portRange
      .prefault('20000-29999')
      .describe('UDP ports for phone audio, shared out among the workers.'),
    portRestSeconds: z.int().min(0).max(3600).default(30).describe('How long a port rests after its call.'),
    firstPacketTimeoutSeconds: seconds
      .default(30)
      .describe('A phone that sends nothing at all for this long is hung up.'),
    timeoutSeconds: seconds
      .default(15)
      .describe('A phone that falls silent on the wire for this long is hung up, unless on hold.'),
    jitterTargetMs: z
      .int()
      .min(0)
      .max(120)
      .default(0)
      .describe('Delay that the jitter buffer begins with; it grows by itself with the jitter it meets.'),
  }),

  browser: group('Browser media', {
    maxBitrateBps: z.int().min(30_000).default(2_500_000).describe('Most that one published video may use.'),
    iceTimeoutSeconds: seconds.default(30).describe('A browser that is not connected by then is dropped.'),
    disconnectTimeoutSeconds: seconds
      .default(15)
      .describe('A browser that was out of reach, or silent when asked, for this long is dropped.'),
    maxSections: z
      .int()
      .min(2)
      .max(256)
      .default(64)
      .describe('Tracks that one browser may send and receive at once.'),
  }),

  devices: group('Devices of the Bandwidth protocol', {
    reconnectSeconds: seconds
      .default(30)
      .describe('How long a device that lost its WebSocket stays in its session and may come back.'),
  }),

  sessions: group('Sessions and participants', {
    maxParticipantsPerSession: count.default(20).describe('Members of one session.'),
    maxLegs: count
      .default(2000)
      .describe('Live connections at once; above it new ones are refused as overloaded.'),
    maxKeysPerSecond: count
      .default(20)
      .describe('Key presses of one leg that are heard, twice as many at once; more are left out.'),
    noSessionTimeoutSeconds: seconds
      .default(30)
      .describe('A phone that is in no session for this long is hung up.'),
    tokenTtlSeconds: seconds.default(86_400).describe('How long a participant’s token and join code work.'),
    abandonedAfterHours: hours
      .default(9)
      .describe('Sessions and participants without a live connection and without a change for this long go.'),
  }),

  joinCodes: group('Guessing of join codes', {
    maxFailuresPerMinute: count
      .default(10)
      .describe(
        'Unknown codes per source and minute before none of it are looked up. Each account’s console is a source of its own, and so is an address over UDP, where it may be forged.',
      ),
    maxSources: count.default(10_000).describe('Sources whose failures are remembered.'),
  }),

  events: group('Event streams', {
    historyPerAccount: count
      .default(1000)
      .describe('Events kept in memory per account, for readers that reconnect.'),
    maxReaders: count.default(200).describe('Event streams open at once, over all accounts.'),
    maxReadersPerAccount: count.default(100).describe('Event streams of one account.'),
    maxUnreadBytes: count
      .default(1_048_576)
      .describe('What a slow reader may leave unread before it is cut off.'),
    heartbeatSeconds: seconds
      .default(15)
      .describe('A comment is sent this often, so that proxies keep the stream open.'),
  }),

  webhooks: group('Webhooks and callbacks', {
    url: webUrl
      .optional()
      .describe('Told of every account’s events, beside the webhooks that accounts make.'),
    fallbackUrl: webUrl.optional().describe('Told while `webhooks.url` fails.'),
    events: z
      .array(z.enum(eventTypes, 'must be event types like call.ended'))
      .max(100)
      .default([])
      .describe('Event types sent to `webhooks.url`; empty for all.'),
    secret: z
      .string()
      .min(16, 'must have at least 16 characters')
      .max(256)
      .optional()
      .meta({ description: 'Signs what is sent to `webhooks.url` and to callback URLs.', ...secret }),
    allowPrivateNetworks: z
      .boolean()
      .default(false)
      .describe(
        'Also send to private, loopback and link-local addresses. Anybody with an account can then reach them.',
      ),
    allowedNetworks: z
      .array(network)
      .default([])
      .describe('Private addresses and networks that may be sent to.'),
    maxPerAccount: count.default(10).describe('Webhooks of one account.'),
    timeoutSeconds: seconds.default(10).describe('A receiver that has not answered by then has failed.'),
    maxConcurrent: count
      .default(200)
      .describe('Messages on their way at once. Receivers that fail share half of it.'),
    maxPerReceiver: count.default(20).describe('Messages on their way at once to one receiver.'),
    firstRetrySeconds: seconds
      .default(1)
      .describe('The first retry comes after this; each further one later.'),
    longestRetrySeconds: seconds.default(600).describe('Retries are never further apart.'),
    keepHours: hours.default(24).describe('A message that nobody took by then is given up.'),
    failuresBeforeFallback: count
      .default(3)
      .describe('Failures of the first URL before the fallback is used.'),
    maxWaiting: count
      .default(100_000)
      .describe('Messages that wait. Above it the oldest of the receiver that fails for longest go.'),
  }),

  transfers: group('Transfers of phone calls', {
    sipAddress: z
      .string()
      .regex(
        /^(?:[A-Za-z0-9.-]{1,100}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/,
        'must be a host, or host:port',
      )
      .optional()
      .meta({
        description: 'Host and port that voice platforms send calls to, like `gw.example.com:5060`.',
        defaultText: '`publicIp` or `sip.host`, and the SIP port',
      }),
    sipTransport: z
      .enum(['udp', 'tcp', 'tls'])
      .optional()
      .meta({ description: 'How they are to send it.', defaultText: 'each platform’s own choice' }),
    ringSeconds: z.int().min(5).max(300).default(30).describe('How long a platform waits for our answer.'),
    ttlSeconds: seconds
      .default(3600)
      .describe('How long the token of `POST /transfers` works, unless the request says.'),
    hookTtlSeconds: seconds
      .default(120)
      .describe('How long the token in the answer of a hook works. The call follows at once.'),
    telnyxApiUrl: webUrl
      .default('https://api.telnyx.com')
      .describe('Where orders for Telnyx Call Control go.'),
  }),

  numbers: group('Numbers', {
    defaultCountry: z
      .string()
      .regex(/^[A-Z]{2}$/, { error: 'must be two capital letters (ISO 3166)', abort: true })
      .refine(isKnownCountry, 'must be a country (ISO 3166) like US, with numbers of its own')
      .optional()
      .meta({
        description: 'Country of numbers in national form.',
        defaultText: 'none: numbers are international',
      }),
    maxPinsPerNumber: count.default(10_000).describe('PINs of one number.'),
    maxWrongPinsPerCaller: count
      .default(5)
      .describe('Wrong PINs per minute of one caller to one number before none of it are looked up.'),
    maxWrongPinsOverAllNumbers: count.default(20).describe('The same of one caller to all numbers together.'),
    maxWrongPinsPerAddress: count
      .default(300)
      .describe(
        'The same from one address, to all numbers and in whatever name, of calls over SIP without a platform: a carrier’s has many callers.',
      ),
    maxWrongPinsPerNumber: count
      .default(60)
      .describe(
        'Wrong PINs per minute of all callers to a number together; above it each PIN waits for its turn.',
      ),
    pinWaitSeconds: seconds
      .max(60)
      .default(5)
      .describe(
        'A caller who would wait longer than this is told to try later. Who gave the right PIN the last time does not wait for others.',
      ),
    maxCallers: count.default(10_000).describe('Callers whose wrong PINs are remembered.'),
    pinTries: count
      .default(3)
      .describe('Wrong PINs in one SIP call without a platform before the gateway ends it.'),
    pinTimeoutSeconds: seconds
      .default(60)
      .describe('A caller who has keyed in no right PIN by then is not waited for, in such a call.'),
    applicationTimeoutSeconds: seconds
      .default(5)
      .describe('An application that has not said by then where a call goes is not waited for.'),
  }),

  metrics: group('Metrics', {
    refreshSeconds: z
      .int()
      .min(0)
      .max(3600)
      .default(1)
      .describe('`/metrics` is computed at most this often; 0: each time that somebody asks.'),
  }),

  records: group('Call detail records', {
    keepDays: z.int().min(1).max(3650).default(30).describe('How long the record of a call is kept.'),
    maxRefused: count
      .max(1_000_000)
      .default(10_000)
      .describe(
        'Refused calls kept for each account, and as many that named none; above it the oldest go. Those that were refused with a leg are not counted.',
      ),
    refusedPerMinute: count
      .default(10)
      .describe(
        'Refused calls of one participant or address, for one reason, that have a record each; more in the same minute share one that counts them.',
      ),
    maxRefusedSources: count
      .default(1000)
      .describe('Participants, and addresses, that are told apart for that; calls of more share records.'),
  }),

  phoneCalls: group('Test calls of the console', {
    maxCalls: z.int().min(0).default(20).describe('Calls of `POST /phone-calls` at once, over all accounts.'),
    maxCallsPerAccount: z.int().min(0).default(10).describe('Such calls of one account.'),
    maxSeconds: seconds.default(3600).describe('After this such a call is hung up.'),
  }),

  ...serversBesideGroups,
  ...soundsAndRecordingsGroups,

  sqlite: group('SQLite', {
    synchronous: z
      .enum(['normal', 'full'])
      .default('normal')
      .describe('`normal` survives `kill -9`; `full` also a power cut: answers wait for the disk.'),
    busyTimeoutMs: z
      .int()
      .min(0)
      .max(60_000)
      .default(5000)
      .describe('How long a write waits for another process that reads or backs up the file.'),
  }),
});

/** As the schema gives it; `loadConfig` makes its paths absolute. */
export type Config = z.output<typeof configSchema>;
