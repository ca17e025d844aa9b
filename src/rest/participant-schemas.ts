/** Participants as requests and answers write them. */
import { z } from 'zod';
import type { Participant } from '../domain/participant.js';
import { formatTime, tag, time } from './fields.js';
import { subscriptionsSchema } from './subscription-schemas.js';

const mediaType = z.enum(['AUDIO', 'VIDEO']);
const displayName = z.string().min(1).max(100).describe('A name for others to see.');
const tokenUse = z
  .enum(['slot', 'once'])
  .describe(
    '`slot`: the token works again whenever the participant is not connected. `once`: it connects once.',
  );

export const newParticipant = z
  .object({
    callbackUrl: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
      .max(2048)
      .nullish()
      .describe('Where this participant’s callbacks go.'),
    publishPermissions: z
      .array(mediaType)
      .refine((types) => new Set(types).size === types.length, 'must not name a type twice')
      .nullish()
      .meta({
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
    tokenUse: tokenUse.nullish(),
  })
  .nullish()
  .meta({ id: 'NewParticipant' });

export const participantSchema = z
  .strictObject({
    id: z.uuid(),
    callbackUrl: z.string().nullable(),
    publishPermissions: z.array(mediaType),
    sessions: z.array(z.uuid()).max(1).describe('The session it is in, if any.'),
    subscriptions: subscriptionsSchema,
    tag: z.string().optional(),
    deviceApiVersion: z.literal('V3'),
    displayName: displayName.optional(),
    tokenUse,
    createdAt: time,
  })
  .meta({ id: 'Participant', description: 'A person or program that may connect.' });

export const createdParticipantSchema = z
  .strictObject({
    participant: participantSchema,
    token: z.string().describe('What the participant shows to connect.'),
    joinCode: z.string().describe('The same in 12 characters, for carriers that take only a short string.'),
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
    tokenUse: participant.tokenUse,
    createdAt: formatTime(participant.createdAt),
  };
}
