/** The outbound side of a trunk in requests and answers. */
import * as z from 'zod';
import type { NewOutbound } from '../domain/trunks/outbound-rules.js';
import type { TrunkOutbound } from '../domain/trunks/outbound.js';
import type { TrunkFailure, TrunkState } from '../domain/trunks/trunk-state.js';
import { formatTime, time } from './fields.js';

const host = z.string().min(1).max(253);
const port = z.int().min(1).max(65_535);
const transport = z.enum(['udp', 'tcp', 'tls']);
const priority = z.int().min(0).max(65_535).describe('The lowest are tried first.');
const weight = z.int().min(0).max(65_535).describe('The share among those of the same priority.');
const serverName = z
  .string()
  .max(253)
  .describe('Over TLS: whose the server’s certificate has to be, where it is not the host’s.');
const digestUser = z
  .string()
  .regex(/^[ -~]{1,128}$/, 'must be 1 to 128 printable characters')
  .describe('As the carrier gave it.');
const pingSeconds = z.int().min(1).max(3600).describe('How often; not below `trunks.shortestPingSeconds`.');
const pingFailures = z
  .int()
  .min(1)
  .max(10)
  .describe('So many pings in a row without an answer: the target is down.');
const pingSuccesses = z.int().min(1).max(10).describe('So many answers in a row: it is up.');
const expiresSeconds = z.int().min(60).max(86_400);

export const newOutbound = z.strictObject({
  targets: z
    .array(
      z.strictObject({
        uri: z
          .string()
          .min(5)
          .max(300)
          .nullish()
          .describe('`sip:host:port;transport=tcp`, in the place of the three.'),
        host: host.nullish().describe('A name (with SRV records or without) or an address.'),
        port: port.nullish(),
        transport: transport.nullish().describe('Missing: what the DNS says, else `udp`.'),
        priority: priority.default(1),
        weight: weight.default(1),
        tlsServerName: serverName.nullish(),
      }),
    )
    .min(1)
    .max(8)
    .describe('The carrier’s servers: where one fails, the next is asked.'),
  digest: z
    .strictObject({
      username: digestUser,
      password: z
        .string()
        .min(1)
        .max(128)
        .nullish()
        .describe('Never shown again. Missing in a replacement: it stays.'),
      realm: z
        .string()
        .min(1)
        .max(253)
        .nullish()
        .describe('Challenges of another are not answered. Missing: all are.'),
    })
    .nullish()
    .describe('What the carrier knows you by.'),
  fromDomain: host
    .nullish()
    .describe('The domain that you are of there. Missing: the host of the first target.'),
  registration: z
    .strictObject({
      user: z
        .string()
        .min(1)
        .max(64)
        .nullish()
        .describe('Registered is `sip:<user>@<fromDomain>`. Missing: the digest’s user name.'),
      expiresSeconds: expiresSeconds.default(600).describe('What the registrar is asked for.'),
    })
    .nullish()
    .describe('Tells the carrier where you are, and keeps telling.'),
  ping: z
    .strictObject({
      seconds: pingSeconds,
      failures: pingFailures.default(2),
      successes: pingSuccesses.default(1),
    })
    .nullish()
    .describe('Asks each target again and again whether it is there (OPTIONS).'),
});

export const outboundSchema = z.strictObject({
  targets: z.array(
    z.strictObject({
      host,
      port: port.nullable(),
      transport: transport.nullable(),
      priority,
      weight,
      tlsServerName: serverName.nullable(),
    }),
  ),
  digest: z.strictObject({ username: z.string(), realm: z.string().nullable() }).nullable(),
  fromDomain: z.string().nullable(),
  registration: z.strictObject({ user: z.string(), expiresSeconds }).nullable(),
  ping: z.strictObject({ seconds: pingSeconds, failures: pingFailures, successes: pingSuccesses }).nullable(),
});

const failure = z
  .strictObject({
    code: z.enum([
      ...(['no-answer', 'unavailable', 'refused', 'authentication-failed'] as const),
      ...(['challenge-not-answered', 'interval-refused', 'nothing-granted'] as const),
    ]),
    sipStatus: z.int().nullable().describe('Null where nothing came.'),
    at: time,
  })
  .nullable()
  .describe('Of the last attempt; null where that succeeded.');

export const stateSchema = z
  .strictObject({
    registration: z
      .strictObject({
        status: z
          .enum(['unregistered', 'registering', 'registered', 'failed', 'refused'])
          .describe(
            '`failed`: tried again soon. `refused`: tried again much later, or when the trunk is changed.',
          ),
        target: z.string().nullable().describe('The host of the target that registered you.'),
        expiresAt: time.nullable(),
        nextAt: time.nullable().describe('When the registrar is asked next.'),
        failure,
      })
      .nullable(),
    targets: z
      .array(
        z.strictObject({
          target: z.string().describe('Its URI.'),
          status: z.enum(['unknown', 'up', 'down']),
          since: time.nullable().describe('Null while it is unknown.'),
          lastStatus: z
            .int()
            .nullable()
            .describe(
              'What it answered last; null where nothing came in time. 503 also where it cannot be reached.',
            ),
        }),
      )
      .describe('Those that are pinged.'),
  })
  .describe('How it is doing, live: of trunks that the gateway goes to by itself.');

export function toNewOutbound(body: z.output<typeof newOutbound>): NewOutbound {
  const { targets, digest, fromDomain, registration, ping } = body;
  return {
    targets: targets.map((target) => ({
      ...target,
      ...{ uri: target.uri ?? null, host: target.host ?? null, port: target.port ?? null },
      ...{ transport: target.transport ?? null, tlsServerName: target.tlsServerName ?? null },
    })),
    digest:
      digest === null || digest === undefined
        ? null
        : { ...digest, password: digest.password ?? null, realm: digest.realm ?? null },
    fromDomain: fromDomain ?? null,
    registration:
      registration === null || registration === undefined
        ? null
        : { ...registration, user: registration.user ?? null },
    ping: ping ?? null,
  };
}

/** Without password and Contact. */
export function formatOutbound(outbound: TrunkOutbound): z.output<typeof outboundSchema> {
  const { targets, digest, fromDomain, registration, ping = null } = outbound;
  return {
    targets: targets.map((target) => ({ ...target })),
    digest: digest && { username: digest.username, realm: digest.realm },
    fromDomain,
    registration: registration && { user: registration.user, expiresSeconds: registration.expiresSeconds },
    ping: ping && { ...ping },
  };
}

export function formatState({ registration, targets }: TrunkState): z.output<typeof stateSchema> {
  return {
    registration: registration && {
      ...registration,
      expiresAt: formatMoment(registration.expiresAt),
      nextAt: formatMoment(registration.nextAt),
      failure: formatFailure(registration.failure),
    },
    targets: targets.map((target) => ({ ...target, since: formatMoment(target.since) })),
  };
}

function formatFailure(failed: TrunkFailure | null): z.output<typeof failure> {
  return failed && { ...failed, at: formatTime(failed.at) };
}

function formatMoment(moment: number | null): string | null {
  return moment === null ? null : formatTime(moment);
}
