/**
 * Every setting and every limit of Landbridge, once. Types, checks, environment names, the reference page and the example
 * file all follow from this. A setting's environment name is its path: `http.bodyLimitBytes` is LANDBRIDGE_HTTP_BODY_LIMIT_BYTES.
 */
import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { callsGroups } from './calls-schema.js';
import { eventsGroups } from './events-schema.js';
import { httpGroups } from './http-schema.js';
import { iceServers } from './ice-servers-schema.js';
import { mediaGroups } from './media-schema.js';
import { nextHopGroups } from './next-hop-schema.js';
import {
  count,
  group,
  hostName,
  hours,
  isHostPort,
  network,
  path,
  publicAddress,
  seconds,
  secret,
  serverList,
} from './schema-parts.js';
import { serversBesideGroups } from './servers-beside-schema.js';
import { sipGroups } from './sip-schema.js';
import { soundsAndRecordingsGroups } from './sounds-and-recordings-schema.js';
import { stirGroups } from './stir-schema.js';
import { tlsGroups } from './tls-schema.js';
import { trunkGroups } from './trunks-schema.js';

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
        iceServers: iceServers.optional(),
      }),
    )
    .max(10_000)
    .default([])
    .meta({
      description:
        'Further accounts, each once, with `account`, `username`, `password` and, if they differ, `callerPrivacy` and `iceServers` (of `browser`). Only in the file.',
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
        host: hostName.optional(),
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

  ...httpGroups,

  ...sipGroups,

  ...nextHopGroups,

  ...tlsGroups,

  ...mediaGroups,

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
    moveTimeoutSeconds: seconds
      .default(10)
      .describe('A phone whose media worker died must have agreed on other media by then, or is hung up.'),
    maxMovesPerMinute: count
      .default(3)
      .describe('A phone that would move to another media worker more often is hung up.'),
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

  ...eventsGroups,

  ...callsGroups,

  ...trunkGroups,

  ...stirGroups,

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

  doctor: group('`landbridge doctor`', {
    stunServer: z
      .string()
      .max(300)
      .refine(
        (text) => isHostPort(text),
        'must be a host name or an address, with a port or without, like stun.example.com:3478',
      )
      .optional()
      .describe(
        'A STUN server that is asked where this machine is seen, by `doctor` alone, which its option `--stun` asks of another one. Absent: none is asked.',
      ),
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
    checkSeconds: z
      .number()
      .min(0)
      .max(600)
      .default(2)
      .describe(
        'How long a start may look through a database for damage that was not closed in good order, or was changed since: table by table, the smallest first. What there is no time for is left out, and the log says so; a start takes no longer for it, also from a slow disk. 0: never.',
      ),
  }),
});

/** As the schema gives it; `loadConfig` makes its paths absolute. */
export type Config = z.output<typeof configSchema>;
