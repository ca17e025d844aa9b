/** Live streams of a session, and their moderation: `/sessions/{sessionId}/streams`, `…/streams/{stream}/mute`. */
import * as z from 'zod';
import type { SessionService } from '../domain/sessions/session-service.js';
import type { StreamDescription } from '../domain/legs/leg-control.js';
import { mediaTypes, memberPath, sessionPath } from './fields.js';
import { operationsOf, type Operation } from './operation.js';

const streamSchema = z
  .strictObject({
    id: z.string(),
    alias: z.string(),
    mediaTypes,
    muted: z.boolean().describe('By an application: nobody receives it.'),
    participantId: z.uuid().describe('Who publishes it.'),
    displayName: z.string().optional(),
    legId: z.uuid(),
    legKind: z.enum(['phone', 'browser']).nullable(),
    receivers: z.array(z.uuid()).describe('The participants that receive it now.'),
  })
  .meta({ id: 'Stream', description: 'What a connected participant publishes.' });

function formatStream(live: StreamDescription): z.output<typeof streamSchema> {
  const { stream, participantId, displayName, legId, legKind, isMuted, receivers } = live;
  return {
    id: stream.streamId,
    alias: stream.alias,
    mediaTypes: [...stream.mediaTypes],
    muted: isMuted,
    participantId,
    ...(displayName === null ? {} : { displayName }),
    legId,
    legKind,
    receivers: [...receivers],
  };
}

const streamPath = memberPath.extend({
  stream: z.string().min(1).max(256).describe('Its alias, published or not yet, or its id.'),
});

const define = operationsOf('Moderation');

export function streamOperations(sessions: SessionService): Operation[] {
  const moderation = (operationId: string, verb: 'mute' | 'unmute', summary: string, description: string) =>
    define({
      operationId,
      method: 'POST',
      path: `/sessions/{sessionId}/participants/{participantId}/streams/{stream}/${verb}`,
      summary,
      description,
      params: streamPath,
      success: { status: 204, description: 'It is so now' },
      errors: [404, 409],
      handle: ({ accountId, params }) =>
        sessions.setMuted(accountId, params.sessionId, params.participantId, {
          stream: params.stream,
          isMuted: verb === 'mute',
        }),
    });
  return [
    define({
      operationId: 'listSessionStreams',
      method: 'GET',
      path: '/sessions/{sessionId}/streams',
      summary: 'List the live streams of a session',
      params: sessionPath,
      success: { status: 200, description: 'The streams', schema: z.array(streamSchema) },
      errors: [404],
      handle: async ({ accountId, params }) =>
        (await sessions.listStreams(accountId, params.sessionId)).map(formatStream),
    }),
    moderation(
      'muteStream',
      'mute',
      'Mute a stream',
      'Nobody receives it until it is unmuted or its participant is removed; what is published anew under its alias stays muted.',
    ),
    moderation('unmuteStream', 'unmute', 'Unmute a stream', 'Whoever is subscribed receives it again.'),
  ];
}
