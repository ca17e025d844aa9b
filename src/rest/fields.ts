/** Fields that several resources have. */
import * as z from 'zod';
import { mediaEncryptions } from '../domain/media-plane.js';

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Any case in, lower case out (RFC 9562 section 4). */
export const uuid = z
  .string()
  .regex(uuidPattern, 'is not a UUID')
  .transform((text) => text.toLowerCase())
  .meta({ format: 'uuid' });

export const tag = z
  .string()
  .max(50, 'must have at most 50 characters')
  .describe('Yours to choose; not unique; no personal data.');

export const webUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .max(2048, 'must have at most 2048 characters');

export const mediaTypes = z.array(z.enum(['AUDIO', 'VIDEO']));

export const sessionPath = z.object({ sessionId: uuid });
export const participantPath = z.object({ participantId: uuid });
export const memberPath = z.object({ sessionId: uuid, participantId: uuid });

export const listQuery = z.object({
  limit: z
    .string()
    .regex(/^\d{1,4}$/, 'must be a number from 1 to 1000')
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 1000, 'must be a number from 1 to 1000')
    .default(100)
    .meta({
      description: 'How many at most, 100 unless told; the newest come first.',
      type: 'integer',
      minimum: 1,
      maximum: 1000,
    }),
});

/** Where the next page of a list begins. */
const cursor = z
  .string()
  .regex(/^\d{1,15}$/, 'must be `next` of the page before')
  .describe('`next` of the page before.');

/** A page as it is asked for: where the store begins it, and how long it is. */
export const pageQuery = listQuery.extend({ after: cursor.transform(Number).optional() });

export const nextPage = cursor
  .nullable()
  .describe('For `after`, to get the next page; null where there is none.');

/** The store's word for where the next page begins, as REST writes it. */
export function formatNext(next: number | null): string | null {
  return next === null ? null : String(next);
}

export const callerSchema = z
  .strictObject({ number: z.string().nullable(), name: z.string().nullable() })
  .meta({ id: 'Caller', description: 'Who calls, as far as the account’s `callerPrivacy` shows it.' });

export const stirSchema = z
  .strictObject({
    verification: z.enum(['passed', 'failed', 'none']).describe('`none`: the call shows no signature.'),
    attestation: z
      .enum(['A', 'B', 'C'])
      .nullable()
      .describe('What the signer says of the caller; null where no good signature does.'),
    originationId: z.string().nullable().describe('The signer’s id of where the call came in.'),
    by: z
      .enum(['gateway', 'carrier'])
      .describe('Who verified it: the gateway, or the carrier, by whose word it is told.'),
    reason: z.string().nullable().describe('Why it is not verified: see docs/stir.md.'),
  })
  .meta({ id: 'CallerVerification', description: 'What the call’s signature says of its caller.' });

export const callHeadersSchema = z.record(z.string(), z.string()).meta({
  id: 'CallHeaders',
  description: 'Header fields of the call that its trunk shows, by their names.',
});

export const time = z.iso.datetime();

/** Milliseconds since the epoch as REST writes times. */
export function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** Rounded to one digit behind the point: more of a measurement in ms says nothing. */
/** SRTP packets that were dropped: forged, or sent again. */
export const packetsNotGenuine = z
  .int()
  .describe('Dropped: SRTP found them forged or sent again. Missing where that is not known.');

export const encryption = z
  .enum(mediaEncryptions)
  .describe(
    'How what was last agreed on is encrypted: `sdes` is SRTP with keys in the SDP, `dtls` that of browsers. Missing where it is not known.',
  );

export const tenths = (value: number): number => Math.round(value * 10) / 10;
