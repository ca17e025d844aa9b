/** What a participant receives, as requests and answers write it. */
import * as z from 'zod';
import type { Subscriptions } from '../domain/participants/subscriptions.js';
import { forgivingObject } from './forgiving-object.js';
import { uuid } from './fields.js';

const streamAliases = z.array(z.string().min(1).max(256)).max(100);

/** Null and '' count as missing, as Bandwidth has it. */
export const subscriptionsFields = forgivingObject({
  sessionId: z
    .union([z.literal(''), uuid], 'is not a UUID')
    .nullish()
    .describe('Alone: every participant of the session, later ones too.'),
  participants: z
    .array(
      forgivingObject({
        participantId: uuid,
        streamAliases: streamAliases.nullish().describe('Missing or empty: every stream of the participant.'),
      }),
    )
    .max(500)
    .nullish()
    .describe('Not empty: exactly these participants, whatever `sessionId` says.'),
});

export function toSubscriptions(
  body: z.output<typeof subscriptionsFields> | null | undefined,
): Subscriptions {
  return {
    ...(body?.sessionId ? { sessionId: body.sessionId } : {}),
    ...(body?.participants
      ? {
          participants: body.participants.map((wanted) => ({
            participantId: wanted.participantId,
            ...(wanted.streamAliases ? { streamAliases: wanted.streamAliases } : {}),
          })),
        }
      : {}),
  };
}

export const subscriptionsRequest = subscriptionsFields
  .nullish()
  .transform(toSubscriptions)
  .meta({ id: 'SubscriptionsRequest', description: 'Empty or missing: no subscriptions.' });

export const subscriptionsSchema = z
  .strictObject({
    sessionId: z.uuid().optional(),
    participants: z
      .array(z.strictObject({ participantId: z.uuid(), streamAliases: streamAliases.optional() }))
      .optional(),
  })
  .meta({ id: 'Subscriptions', description: 'What a participant receives.' });
