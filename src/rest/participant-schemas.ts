/** Participants as requests and answers write them. */
import * as z from 'zod';
import type { Participant } from '../domain/participants/participant.js';
import { maxAttributes } from '../domain/participants/participant-change.js';
import { forgivingObject } from './forgiving-object.js';
import { mediaTypes, formatTime, tag, time, webUrl } from './fields.js';
import { iceServerSchema } from './ice-server-schemas.js';
import { subscriptionsSchema } from './subscription-schemas.js';

export const displayName = z.string().min(1).max(100).describe('A name for others to see.');
export const tokenUse = z
  .enum(['slot', 'once'])
  .describe(
    '`slot`: the token works again whenever the participant is not connected. `once`: it connects once.',
  );

export const publishPermissions = mediaTypes.refine(
  (types) => new Set(types).size === types.length,
  'must not name a type twice',
);

const attributeName = z.string().min(1).max(256);
const attributeValue = z.string().max(256);
export const attributes = z
  .record(attributeName, attributeValue)
  .refine((given) => Object.keys(given).length <= maxAttributes, `must have at most ${maxAttributes} names`)
  .describe(`Yours to choose, for others to see: at most ${maxAttributes} texts of 256 characters.`);

export const newParticipant = forgivingObject({
  callbackUrl: webUrl.nullish().describe('Where this participant’s callbacks go.'),
  publishPermissions: publishPermissions.nullish().meta({
    description: 'What it may publish. Missing: both. Empty: it listens only.',
    uniqueItems: true,
  }),
  tag: tag.nullish(),
  deviceApiVersion: z
    .string()
    .regex(/^[Vv]3$/, 'must be V3')
    .nullish()
    .meta({ description: 'V3, in any case.', example: 'V3' }),
  displayName: displayName.nullish(),
  attributes: attributes.nullish(),
  tokenUse: tokenUse.nullish(),
})
  .nullish()
  .meta({ id: 'NewParticipant' });

// Strict: who misspells `publishPermissions` believes that they were taken away.
export const participantChange = z
  .strictObject({
    displayName: displayName.nullable().optional().describe('Null takes it away.'),
    tag: tag.nullable().optional(),
    publishPermissions: publishPermissions.optional().meta({
      description: 'What it may publish from now on: what it no longer may is cut off at once.',
      uniqueItems: true,
    }),
    attributes: z
      .record(attributeName, attributeValue.nullable())
      .refine((given) => Object.keys(given).length <= 2 * maxAttributes, 'has too many names')
      .optional()
      .describe('Merged with those that are there; null takes one away.'),
  })
  .meta({ id: 'ParticipantChange', description: 'What is missing stays as it is (RFC 7396).' });

export const participantSchema = z
  .strictObject({
    id: z.uuid(),
    callbackUrl: z.string().nullable(),
    publishPermissions: mediaTypes,
    sessions: z.array(z.uuid()).max(1).describe('The session it is in, if any.'),
    subscriptions: subscriptionsSchema,
    tag: z.string().optional(),
    deviceApiVersion: z.literal('V3'),
    displayName: displayName.optional(),
    attributes: z.record(z.string(), z.string()),
    tokenUse,
    createdAt: time,
  })
  .meta({ id: 'Participant', description: 'A person or program that may connect.' });

export const createdParticipantSchema = z
  .strictObject({
    participant: participantSchema,
    token: z.string().describe('What the participant shows to connect.'),
    joinCode: z.string().describe('The same in 12 characters, for carriers that take only a short string.'),
    sipUri: z
      .string()
      .optional()
      .describe('Where a phone reaches it: the join code at the gateway’s SIP address.'),
    iceServers: z
      .array(iceServerSchema)
      .optional()
      .describe('STUN and TURN servers for its browser, where the account has any; as long as the token.'),
  })
  .meta({ id: 'CreatedParticipant' });

export function formatParticipant(participant: Participant): z.output<typeof participantSchema> {
  return {
    id: participant.id,
    callbackUrl: participant.callbackUrl,
    publishPermissions: [...participant.publishPermissions],
    sessions: participant.sessionId === null ? [] : [participant.sessionId],
    subscriptions: participant.subscriptions as z.output<typeof subscriptionsSchema>,
    ...(participant.tag === null ? {} : { tag: participant.tag }),
    deviceApiVersion: 'V3',
    ...(participant.displayName === null ? {} : { displayName: participant.displayName }),
    attributes: { ...participant.attributes },
    tokenUse: participant.tokenUse,
    createdAt: formatTime(participant.createdAt),
  };
}
