/** Participants in a session, and what they receive there: `/sessions/{sessionId}/participants`. */
import * as z from 'zod';
import type { SessionService } from '../domain/sessions/session-service.js';
import { memberPath, sessionPath } from './fields.js';
import { operationsOf, type Operation } from './operation.js';
import { formatParticipant, participantSchema } from './participant-schemas.js';
import { subscriptionsRequest, subscriptionsSchema } from './subscription-schemas.js';

const define = operationsOf('Sessions');

export function memberOperations(sessions: SessionService): Operation[] {
  return [
    define({
      operationId: 'listSessionParticipants',
      method: 'GET',
      path: '/sessions/{sessionId}/participants',
      summary: 'List the participants of a session',
      params: sessionPath,
      success: { status: 200, description: 'The participants', schema: z.array(participantSchema) },
      errors: [404],
      handle: async ({ accountId, params }) =>
        (await sessions.listMembers(accountId, params.sessionId)).map(formatParticipant),
    }),
    define({
      operationId: 'addParticipantToSession',
      method: 'PUT',
      path: '/sessions/{sessionId}/participants/{participantId}',
      summary: 'Add a participant to a session',
      description:
        'The body says what it receives there; without one it receives nothing. 409 where it is in another session or the session is full.',
      params: memberPath,
      body: subscriptionsRequest,
      success: { status: 204, description: 'Added' },
      errors: [404, 409],
      handle: ({ accountId, params, body }) =>
        sessions.addParticipant(accountId, params.sessionId, params.participantId, body),
    }),
    define({
      operationId: 'removeParticipantFromSession',
      method: 'DELETE',
      path: '/sessions/{sessionId}/participants/{participantId}',
      summary: 'Remove a participant from a session',
      description: 'It stays connected, and can be added to another session within the configured time.',
      params: memberPath,
      success: { status: 204, description: 'Removed' },
      errors: [404],
      handle: ({ accountId, params }) =>
        sessions.removeParticipant(accountId, params.sessionId, params.participantId),
    }),
    define({
      operationId: 'getParticipantSubscriptions',
      method: 'GET',
      path: '/sessions/{sessionId}/participants/{participantId}/subscriptions',
      summary: 'Get what a participant receives',
      params: memberPath,
      success: { status: 200, description: 'Its subscriptions', schema: subscriptionsSchema },
      errors: [404],
      handle: ({ accountId, params }) =>
        sessions.getSubscriptions(accountId, params.sessionId, params.participantId),
    }),
    define({
      operationId: 'updateParticipantSubscriptions',
      method: 'PUT',
      path: '/sessions/{sessionId}/participants/{participantId}/subscriptions',
      summary: 'Replace what a participant receives',
      description: 'Without a body it receives nothing.',
      params: memberPath,
      body: subscriptionsRequest,
      success: { status: 204, description: 'Replaced' },
      errors: [404],
      handle: ({ accountId, params, body }) =>
        sessions.setSubscriptions(accountId, params.sessionId, params.participantId, body),
    }),
  ];
}
