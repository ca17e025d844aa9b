/** Live connections: `/legs`. */
import { z } from 'zod';
import type { LegRegistry } from '../domain/legs/leg-registry.js';
import type { LiveLeg } from '../domain/legs/live-leg.js';
import type { MediaLegStatistics } from '../domain/media-plane.js';
import { callerSchema, formatTime, time, uuid } from './fields.js';
import { defineOperation, type Operation } from './operation.js';
import { RestError } from './rest-error.js';

const legSchema = z
  .strictObject({
    id: z.uuid(),
    participantId: z.uuid(),
    sessionId: z.uuid().nullable(),
    kind: z
      .enum(['phone', 'browser'])
      .nullable()
      .describe('Null until its media is open. A phone is audio only.'),
    door: z.string().describe('The signalling protocol it came in by.'),
    callId: z.string(),
    caller: callerSchema.nullable().describe('Null where nothing of it is known or may be shown.'),
    state: z.enum(['admitted', 'opened', 'answered', 'established', 'ended']),
    since: time.nullable().describe('When it was answered.'),
    held: z.boolean().describe('The far end holds the call.'),
    streams: z.array(
      z.strictObject({ id: z.string(), alias: z.string(), mediaTypes: z.array(z.enum(['AUDIO', 'VIDEO'])) }),
    ),
    quality: z
      .strictObject({
        packetsReceived: z.int(),
        packetsSent: z.int(),
        packetsLost: z.int().describe('Of those that should have been received.'),
        packetsFromStrangers: z.int().describe('Dropped: not from this connection’s peer.'),
        jitterMs: z.number().describe('Interarrival jitter (RFC 3550).'),
      })
      .nullable()
      .describe('Counted since the media was opened; null before.'),
  })
  .meta({ id: 'Leg', description: 'A participant’s live connection.' });

function formatLeg(leg: LiveLeg, quality: MediaLegStatistics | null): z.output<typeof legSchema> {
  return {
    id: leg.legId,
    participantId: leg.participant.id,
    sessionId: leg.participant.sessionId,
    kind: leg.kind,
    door: leg.door,
    callId: leg.callId,
    caller: leg.caller,
    state: leg.state,
    since: leg.answeredAt === null ? null : formatTime(leg.answeredAt),
    held: leg.isHeld,
    streams: leg.streams.map(({ streamId, alias, mediaTypes }) => ({
      id: streamId,
      alias,
      mediaTypes: [...mediaTypes],
    })),
    quality: quality === null ? null : { ...quality, jitterMs: Math.round(quality.jitterMs * 100) / 100 },
  };
}

export function legOperations(legs: LegRegistry): Operation[] {
  return [
    defineOperation({
      operationId: 'listLegs',
      method: 'GET',
      path: '/legs',
      tag: 'Legs',
      summary: 'List live connections',
      params: z.object({}),
      success: {
        status: 200,
        description: 'Every live connection of the account',
        schema: z.array(legSchema),
      },
      errors: [],
      handle: ({ accountId }) =>
        Promise.all(legs.list(accountId).map(async (leg) => formatLeg(leg, await leg.statistics()))),
    }),
    defineOperation({
      operationId: 'deleteLeg',
      method: 'DELETE',
      path: '/legs/{legId}',
      tag: 'Legs',
      summary: 'Hang up',
      description: 'Ends the connection; the participant stays.',
      params: z.object({ legId: uuid }),
      success: { status: 204, description: 'Ended' },
      errors: [404],
      handle: async ({ accountId, params }) => {
        const leg = legs.find(accountId, params.legId);
        if (leg === undefined) throw new RestError(404, 'Leg not found');
        await leg.terminate({ endedBy: 'application', reason: 'hangup' });
      },
    }),
  ];
}
