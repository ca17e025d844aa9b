/** A trunk in requests and answers. */
import * as z from 'zod';
import { phoneCodecs, srtpPolicies } from '../domain/media-plane.js';
import { callerPlaces } from '../domain/trunks/trunk.js';
import { time } from './fields.js';
import { newOutbound, outboundSchema, stateSchema } from './trunk-outbound.js';

const calledNumberPlaces = z.enum(['p-called-party-id', 'request-uri', 'to']);
const callerIdentity = z
  .array(z.enum(callerPlaces))
  .min(1)
  .max(callerPlaces.length)
  .describe(
    'Where the caller is looked for; the first place that names somebody wins, and what is not named is not believed.',
  );
const stirPolicy = z.enum(['off', 'report', 'require']);
const networks = z
  .array(z.string().min(2).max(50))
  .max(200)
  .describe('Addresses and networks like `192.0.2.0/24`, whose calls are the trunk’s.');
const patterns = z.array(z.string().min(1).max(40)).max(200);
const limit = z.int().min(1).max(100_000);

const digestHashes = z.enum(['SHA-256', 'MD5']);
const username = z
  .string()
  .regex(
    /^[!#-9;-[\]-~]{1,64}$/,
    'must be 1 to 64 printable characters without spaces, colons, quotes and backslashes',
  );
const algorithms = z
  .array(digestHashes)
  .min(1)
  .max(2)
  .describe(
    'What calls are challenged with. MD5 alone for peers that read only one challenge, and know no other.',
  );

const certificateName = z
  .string()
  .max(253)
  .regex(
    /^(?:(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|[0-9a-f:]*:[0-9a-f:.]+)$/i,
    'must be a host name or an address, as it stands in a certificate',
  );

const shownHeaders = z
  .array(
    z
      .string()
      .regex(/^[A-Za-z0-9\-.!%*_+`'~]{1,64}$/, 'must be the name of a header field, of 1 to 64 characters'),
  )
  .max(20)
  .describe('Names of header fields that leg, record and events have as `headers`.');

const mediaFields = {
  codecs: z
    .array(z.enum(phoneCodecs))
    .min(1)
    .max(phoneCodecs.length)
    .describe('Those that may be used, the preferred first. Missing: all, in the order of whoever offers.'),
  dtmf: z
    .enum(['auto', '4733', 'info'])
    .describe(
      'How keys are pressed: `4733` as telephone events alone, `info` by SIP INFO alone, `auto` by whichever way the call has.',
    ),
  srtp: z
    .enum(srtpPolicies)
    .describe(
      'Whether the audio is encrypted (SRTP, with keys in the SDP): `off` never, `allow` where the other side can, `require` always: other calls get 488. Missing: as `rtp.srtp` says.',
    ),
};

const mediaSchema = z.strictObject({
  codecs: mediaFields.codecs.nullable(),
  dtmf: mediaFields.dtmf,
  srtp: mediaFields.srtp.nullable(),
});

const inboundFields = {
  networks,
  certificateNames: z
    .array(certificateName)
    .max(20)
    .describe(
      'Names of which the certificate of the peer’s TLS connection must have one, beside its network, or alone where there are no networks. Needs `tls.clientCertificates`.',
    ),
  calledNumber: z
    .array(calledNumberPlaces)
    .min(1)
    .max(3)
    .describe('Where the called number is looked for; the first that has one wins.'),
  callerIdentity,
  stir: stirPolicy.describe(
    'Whether the signature for who calls is verified: `report` shows the result, `require` lets no other call in. Needs `stir.ca`.',
  ),
  verifiedBy: z
    .enum(['gateway', 'carrier', 'twilio', 'plivo'])
    .describe(
      'Whose word counts of that: what the gateway verifies itself, or what the carrier says that did so, in `verstat` or in a field of its own: `X-Twilio-VerStat`, `X-Plivo-Stir-Verification`.',
    ),
  headers: shownHeaders,
};

/** All settings of a trunk, as requests have them. */
export const newTrunk = z
  .strictObject({
    name: z.string().min(1).max(100).nullish(),
    enabled: z.boolean().default(true).describe('One that is not is as good as not there.'),
    inbound: z
      .strictObject({
        ...inboundFields,
        callerIdentity: z.union(
          [
            callerIdentity,
            z
              .enum(['asserted', 'from'])
              .describe('Short for all places in their order, and for `from` alone.'),
          ],
          `must be asserted, from, or a list of some of ${callerPlaces.join(', ')}`,
        ),
        digest: z
          .strictObject({
            username: username.describe('Unique over all accounts.'),
            password: z
              .string()
              .min(8)
              .max(128)
              .nullish()
              .describe('Never shown again. Missing in a replacement: it stays.'),
            algorithms: algorithms.default(['SHA-256', 'MD5']),
          })
          .nullable()
          .describe('What calls must show beside their network, or alone where there are no networks.'),
      })
      .partial()
      .nullish(),
    outbound: newOutbound.nullish().describe('Missing: nothing is sent there but what belongs to its calls.'),
    media: mediaSchema.partial().nullish().describe('What may be agreed on for the audio of its calls.'),
    numbers: z
      .array(z.string().min(3).max(64))
      .max(1000)
      .nullish()
      .describe('Your numbers that may be called over it. Missing: all of them.'),
    allowedCallers: patterns
      .nullish()
      .describe(
        'Patterns of callers’ numbers, like `+4930*`, `?` for one digit, `anonymous` for those without. Missing: anybody.',
      ),
    allowedCalled: patterns.nullish().describe('Patterns of called numbers. Missing: any.'),
    maxConcurrentCalls: limit.nullish().describe('Beyond, calls get 503. Missing: no limit.'),
    maxCallsPerSecond: limit
      .nullish()
      .describe('As many at once after a rest. Beyond, calls get 503. Missing: no limit.'),
  })
  .meta({ id: 'TrunkSettings' });

export const trunkSchema = z
  .strictObject({
    id: z.uuid(),
    name: z.string().optional(),
    enabled: z.boolean(),
    inbound: z.strictObject({
      ...inboundFields,
      digest: z.strictObject({ username: z.string(), algorithms }).nullable(),
    }),
    outbound: outboundSchema.nullable(),
    media: mediaSchema,
    state: stateSchema.nullable(),
    numbers: z.array(z.string()).nullable().describe('In E.164; null: all of the account.'),
    allowedCallers: patterns.nullable(),
    allowedCalled: patterns.nullable(),
    maxConcurrentCalls: z.int().nullable(),
    maxCallsPerSecond: z.int().nullable(),
    createdAt: time,
  })
  .meta({ id: 'Trunk', description: 'A carrier or phone system, by which calls come in.' });
