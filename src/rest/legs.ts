/** Live connections: `/legs`. */
import * as z from 'zod';
import type { LegControl, LegDescription } from '../domain/legs/leg-control.js';
import {
  callerSchema,
  callHeadersSchema,
  encryption,
  formatTime,
  mediaTypes,
  packetsNotGenuine,
  stirSchema,
  time,
  uuid,
} from './fields.js';
import { audioQualitySchema, formatMedia } from './media-quality.js';
import { operationsOf, type Operation } from './operation.js';
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
    trunkId: z.uuid().nullable().describe('The trunk that the call came from; null where it is of none.'),
    caller: callerSchema.nullable().describe('Null where nothing of it is known or may be shown.'),
    stir: stirSchema.nullable().describe('Null where its trunk does not ask.'),
    headers: callHeadersSchema.nullable().describe('Null where its trunk shows none.'),
    state: z.enum(['admitted', 'opened', 'answered', 'established', 'ended']),
    since: time.nullable().describe('When it was answered.'),
    held: z.boolean().describe('The far end holds the call.'),
    streams: z.array(z.strictObject({ id: z.string(), alias: z.string(), mediaTypes })),
    quality: z
      .strictObject({
        packetsReceived: z.int(),
        packetsSent: z.int(),
        packetsLost: z.int().describe('Of those that should have been received.'),
        packetsFromStrangers: z.int().describe('Dropped: not from this connection’s peer.'),
        packetsNotGenuine: packetsNotGenuine.optional(),
        encryption: encryption.optional(),
        jitterMs: z.number().describe('Interarrival jitter (RFC 3550), to a tenth.'),
        audio: audioQualitySchema.nullable().describe('Null where nothing is measured.'),
      })
      .nullable()
      .describe(
        'Counted since the media was opened; null before. Where another call took this one over (`call.replaced`) the packets are those of all of them together, `jitterMs` and `audio` are those of the one that is there.',
      ),
  })
  .meta({ id: 'Leg', description: 'A participant’s live connection.' });

function formatLeg(leg: LegDescription): z.output<typeof legSchema> {
  const { legId, answeredAt, isHeld, streams, statistics, ...same } = leg;
  return {
    ...same,
    id: legId,
    since: answeredAt === null ? null : formatTime(answeredAt),
    held: isHeld,
    streams: streams.map(({ streamId, alias, mediaTypes }) => ({
      id: streamId,
      alias,
      mediaTypes: [...mediaTypes],
    })),
    quality: statistics === null ? null : formatMedia(statistics),
  };
}

const define = operationsOf('Legs');

export function legOperations(legs: LegControl): Operation[] {
  return [
    define({
      operationId: 'listLegs',
      method: 'GET',
      path: '/legs',
      summary: 'List live connections',
      success: {
        status: 200,
        description: 'Every live connection of the account',
        schema: z.array(legSchema),
      },
      handle: async ({ accountId }) => (await legs.list(accountId)).map(formatLeg),
    }),
    define({
      operationId: 'deleteLeg',
      method: 'DELETE',
      path: '/legs/{legId}',
      summary: 'Hang up',
      description: 'Ends the connection; the participant stays.',
      params: z.object({ legId: uuid }),
      success: { status: 204, description: 'Ended' },
      errors: [404],
      handle: async ({ accountId, params }) => {
        const outcome = { endedBy: 'application', reason: 'hangup' } as const;
        const result = await legs.terminate(accountId, params.legId, outcome);
        if (result === 'gone') throw new RestError('leg-not-found', 'Leg not found');
      },
    }),
  ];
}
