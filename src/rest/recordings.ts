/** Recordings: `/sessions/{sessionId}/recordings`, `/recordings`. */
import * as z from 'zod';
import type { Recording, RecordingPage } from '../domain/recordings/recording.js';
import type { RecordingService } from '../domain/recordings/recording-service.js';
import { formatNext, formatTime, nextPage, pageQuery, sessionPath, tag, time, uuid } from './fields.js';
import type { FileAnswer } from './file-answer.js';
import { operationsOf, type Operation } from './operation.js';

const mediaTypes = { wav: 'audio/wav', ogg: 'audio/ogg' } as const;

const newRecording = z
  .strictObject({
    format: z.enum(['ogg', 'wav']).default('ogg').describe('`ogg`: Opus, small. `wav`: uncompressed.'),
    participantId: uuid
      .nullish()
      .describe('Only this participant: what it says and what it hears. Missing: the whole session.'),
    tag: tag.nullish(),
  })
  .nullish()
  .meta({ id: 'NewRecording' });

const recordingSchema = z
  .strictObject({
    id: z.uuid(),
    sessionId: z.uuid(),
    participantId: z.uuid().optional().describe('Who alone is recorded.'),
    tag: z.string().optional(),
    format: z.enum(['ogg', 'wav']),
    state: z.enum(['recording', 'completed', 'failed']),
    reason: z.string().optional().describe('Why it ended: see docs/sounds-and-recordings.md.'),
    durationMs: z
      .int()
      .nullable()
      .describe('So far, as measured every few seconds; null where it is not known.'),
    bytes: z.int().describe('Of the file; the same.'),
    startedAt: time,
    endedAt: time.nullable().describe('Null while it goes on.'),
  })
  .meta({ id: 'Recording', description: 'A recording of a session, or of one participant in it.' });

const pageSchema = z
  .strictObject({
    recordings: z.array(recordingSchema),
    next: nextPage,
  })
  .meta({ id: 'RecordingPage' });

function formatRecording(recording: Recording): z.output<typeof recordingSchema> {
  const { participantId, reason, endedAt } = recording;
  return {
    id: recording.id,
    sessionId: recording.sessionId,
    ...(participantId === null ? {} : { participantId }),
    ...(recording.tag === null ? {} : { tag: recording.tag }),
    format: recording.format,
    state: recording.state,
    ...(reason === null ? {} : { reason }),
    durationMs: recording.durationMs,
    bytes: recording.bytes,
    startedAt: formatTime(recording.startedAt),
    endedAt: endedAt === null ? null : formatTime(endedAt),
  };
}

function formatPage({ recordings, next }: RecordingPage): z.output<typeof pageSchema> {
  return { recordings: recordings.map(formatRecording), next: formatNext(next) };
}

const recordingPath = z.object({ recordingId: uuid });

const define = operationsOf('Recordings');

export function recordingOperations(recordings: RecordingService): Operation[] {
  return [
    define({
      operationId: 'startRecording',
      method: 'POST',
      path: '/sessions/{sessionId}/recordings',
      summary: 'Record a session',
      description:
        'Or one participant in it. With an `Idempotency-Key` a repeated request gets the same recording. 409 where the participant is not connected, the account keeps too many recordings, or nothing is recorded here; 503 where too many go on; 507 where the account or the disk has no room.',
      takesIdempotencyKey: true,
      params: sessionPath,
      body: newRecording,
      success: { status: 201, description: 'The recording, which goes on', schema: recordingSchema },
      errors: [404, 409, 507],
      handle: async ({ accountId, params, body, idempotencyKey }) =>
        formatRecording(
          await recordings.start(accountId, params.sessionId, {
            format: body?.format ?? 'ogg',
            participantId: body?.participantId ?? null,
            tag: body?.tag ?? null,
            key: idempotencyKey,
          }),
        ),
    }),
    define({
      operationId: 'listSessionRecordings',
      method: 'GET',
      path: '/sessions/{sessionId}/recordings',
      summary: 'List the recordings of a session',
      params: sessionPath,
      query: pageQuery,
      success: { status: 200, description: 'A page of them, the newest first', schema: pageSchema },
      errors: [404],
      handle: async ({ accountId, params, query }) =>
        formatPage(await recordings.listOfSession({ accountId, sessionId: params.sessionId, ...query })),
    }),
    define({
      operationId: 'listRecordings',
      method: 'GET',
      path: '/recordings',
      summary: 'List recordings',
      query: pageQuery.extend({
        sessionId: uuid.optional().describe('Only of this session, which may be deleted.'),
      }),
      success: { status: 200, description: 'A page of them, the newest first', schema: pageSchema },
      handle: async ({ accountId, query }) => formatPage(await recordings.list({ accountId, ...query })),
    }),
    define({
      operationId: 'getRecording',
      method: 'GET',
      path: '/recordings/{recordingId}',
      summary: 'Get a recording’s figures',
      params: recordingPath,
      success: { status: 200, description: 'The recording', schema: recordingSchema },
      errors: [404],
      handle: async ({ accountId, params }) =>
        formatRecording(await recordings.get(accountId, params.recordingId)),
    }),
    define({
      operationId: 'stopRecording',
      method: 'POST',
      path: '/recordings/{recordingId}/stop',
      summary: 'Stop a recording',
      description: 'Its file is complete then. No effect on one that has ended.',
      params: recordingPath,
      success: { status: 200, description: 'The recording', schema: recordingSchema },
      errors: [404],
      handle: async ({ accountId, params }) =>
        formatRecording(await recordings.stop(accountId, params.recordingId)),
    }),
    define({
      operationId: 'downloadRecording',
      method: 'GET',
      path: '/recordings/{recordingId}/media',
      summary: 'Download a recording',
      description: 'Ranges can be asked for. 409 while it goes on.',
      params: recordingPath,
      success: { status: 200, description: 'The file', download: Object.values(mediaTypes) },
      errors: [404, 409, 416],
      handle: async ({ accountId, params }): Promise<FileAnswer> => {
        const { recording, path } = await recordings.find(accountId, params.recordingId);
        const { id, format } = recording;
        return { kind: 'file', path, mediaType: mediaTypes[format], fileName: `${id}.${format}` };
      },
    }),
    define({
      operationId: 'deleteRecording',
      method: 'DELETE',
      path: '/recordings/{recordingId}',
      summary: 'Delete a recording',
      description: 'With its file. One that goes on is stopped first.',
      params: recordingPath,
      success: { status: 204, description: 'Deleted' },
      errors: [404],
      handle: ({ accountId, params }) => recordings.delete(accountId, params.recordingId),
    }),
  ];
}
