/** Sessions: `/sessions`. */
import { z } from 'zod';
import type { SessionService } from '../domain/sessions/session-service.js';
import type { Session } from '../domain/participants/session.js';
import { formatTime, listQuery, sessionPath, tag, time } from './fields.js';
import { defineOperation, type Operation } from './operation.js';

const sessionSchema = z
  .strictObject({ id: z.uuid(), tag: z.string().optional(), createdAt: time })
  .meta({ id: 'Session', description: 'A group of participants.' });

/** `id` is in Bandwidth's request too, and read-only: it is ignored like every unknown field. */
const newSession = z.object({ tag: tag.nullish() }).nullish().meta({ id: 'NewSession' });

function formatSession(session: Session): z.output<typeof sessionSchema> {
  return {
    id: session.id,
    ...(session.tag === null ? {} : { tag: session.tag }),
    createdAt: formatTime(session.createdAt),
  };
}

export function sessionOperations(sessions: SessionService): Operation[] {
  return [
    defineOperation({
      operationId: 'createSession',
      method: 'POST',
      path: '/sessions',
      tag: 'Sessions',
      summary: 'Create a session',
      params: z.object({}),
      body: newSession,
      success: { status: 200, description: 'The session', schema: sessionSchema },
      errors: [],
      handle: async ({ accountId, body }) =>
        formatSession(await sessions.createSession(accountId, body?.tag ?? null)),
    }),
    defineOperation({
      operationId: 'listSessions',
      method: 'GET',
      path: '/sessions',
      tag: 'Sessions',
      summary: 'List sessions',
      params: z.object({}),
      query: listQuery,
      success: { status: 200, description: 'The newest sessions', schema: z.array(sessionSchema) },
      errors: [],
      handle: async ({ accountId, query }) =>
        (await sessions.listSessions(accountId, query.limit)).map(formatSession),
    }),
    defineOperation({
      operationId: 'getSession',
      method: 'GET',
      path: '/sessions/{sessionId}',
      tag: 'Sessions',
      summary: 'Get a session',
      params: sessionPath,
      success: { status: 200, description: 'The session', schema: sessionSchema },
      errors: [404],
      handle: async ({ accountId, params }) =>
        formatSession(await sessions.getSession(accountId, params.sessionId)),
    }),
    defineOperation({
      operationId: 'deleteSession',
      method: 'DELETE',
      path: '/sessions/{sessionId}',
      tag: 'Sessions',
      summary: 'Delete a session',
      description: 'Its phone calls are hung up; its browsers stay connected without a session.',
      params: sessionPath,
      success: { status: 204, description: 'Deleted' },
      errors: [404],
      handle: ({ accountId, params }) => sessions.deleteSession(accountId, params.sessionId),
    }),
  ];
}
