/** Sessions: `/sessions`. */
import * as z from 'zod';
import type { SessionService } from '../domain/sessions/session-service.js';
import type { Session } from '../domain/participants/session.js';
import { forgivingObject } from './forgiving-object.js';
import { formatTime, listQuery, sessionPath, tag, time } from './fields.js';
import { operationsOf, type Operation } from './operation.js';

const sessionSchema = z
  .strictObject({ id: z.uuid(), tag: z.string().optional(), createdAt: time })
  .meta({ id: 'Session', description: 'A group of participants.' });

/** `id` is in Bandwidth's request too, and read-only: it is ignored like every unknown field. */
const newSession = forgivingObject({ tag: tag.nullish() }).nullish().meta({ id: 'NewSession' });

function formatSession(session: Session): z.output<typeof sessionSchema> {
  return {
    id: session.id,
    ...(session.tag === null ? {} : { tag: session.tag }),
    createdAt: formatTime(session.createdAt),
  };
}

const define = operationsOf('Sessions');

export function sessionOperations(sessions: SessionService): Operation[] {
  return [
    define({
      operationId: 'createSession',
      method: 'POST',
      path: '/sessions',
      summary: 'Create a session',
      body: newSession,
      success: { status: 200, description: 'The session', schema: sessionSchema },
      handle: async ({ accountId, body }) =>
        formatSession(await sessions.createSession(accountId, body?.tag ?? null)),
    }),
    define({
      operationId: 'listSessions',
      method: 'GET',
      path: '/sessions',
      summary: 'List sessions',
      query: listQuery,
      success: { status: 200, description: 'The newest sessions', schema: z.array(sessionSchema) },
      handle: async ({ accountId, query }) =>
        (await sessions.listSessions(accountId, query.limit)).map(formatSession),
    }),
    define({
      operationId: 'getSession',
      method: 'GET',
      path: '/sessions/{sessionId}',
      summary: 'Get a session',
      params: sessionPath,
      success: { status: 200, description: 'The session', schema: sessionSchema },
      errors: [404],
      handle: async ({ accountId, params }) =>
        formatSession(await sessions.getSession(accountId, params.sessionId)),
    }),
    define({
      operationId: 'deleteSession',
      method: 'DELETE',
      path: '/sessions/{sessionId}',
      summary: 'Delete a session',
      description: 'Its phone calls are hung up; its browsers stay connected without a session.',
      params: sessionPath,
      success: { status: 204, description: 'Deleted' },
      errors: [404],
      handle: ({ accountId, params }) => sessions.deleteSession(accountId, params.sessionId),
    }),
  ];
}
