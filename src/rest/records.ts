/** Call detail records: `/records`. */
import { z } from 'zod';
import type { CallRecord, CallRecordStore } from '../domain/facts/call-record.js';
import { formatNext, formatTime, nextPage, pageQuery, time, uuid } from './fields.js';
import { operationsOf, type Operation } from './operation.js';

const moment = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), 'must be a time like 2026-01-31T08:00:00Z')
  .transform((text) => Date.parse(text))
  .meta({ type: 'string', format: 'date-time' });

const searched = z.string().min(1).max(1024);

const recordQuery = pageQuery.extend({
  sessionId: uuid.optional().describe('Only of this session.'),
  participantId: uuid.optional().describe('Only of this participant.'),
  legId: uuid.optional().describe('Only of this leg.'),
  callId: searched.optional().describe('Only with this Call-ID (SIP), or what the door has for one.'),
  voiceCallId: searched.optional().describe('Only with this id of the voice platform’s.'),
  callerNumber: searched
    .optional()
    .describe(
      'Only of this caller, written as records show it: with `callerPrivacy` `masked` that is the masked form.',
    ),
  from: moment.optional().describe('Only calls that began then or later.'),
  to: moment.optional().describe('Only calls that began before.'),
});

const outcomeSchema = z
  .strictObject({
    endedBy: z.enum(['participant', 'application', 'gateway']),
    reason: z.string(),
    sipStatus: z.int().optional().describe('Of a refusal or of a failed request.'),
    q850Cause: z.int().optional().describe('The far end’s.'),
    text: z.string().optional().describe('The far end’s.'),
  })
  .meta({ id: 'Outcome', description: 'How a call ended: see docs/events.md.' });

const mediaSchema = z
  .strictObject({
    packetsReceived: z.int(),
    packetsSent: z.int(),
    packetsLost: z.int(),
    packetsFromStrangers: z.int(),
    jitterMs: z.number(),
  })
  .meta({ id: 'CallMedia', description: 'What the gateway counted of the call’s RTP.' });

const recordSchema = z
  .strictObject({
    legId: z.uuid(),
    sessionId: z.uuid().nullable().describe('The session it joined last.'),
    sessionTag: z.string().optional(),
    participantId: z.uuid(),
    participantTag: z.string().optional(),
    door: z.string().describe('The signalling protocol it came in by.'),
    kind: z.enum(['phone', 'browser']).nullable(),
    callId: z.string(),
    voiceCallId: z.string().nullable(),
    caller: z
      .strictObject({ number: z.string().nullable(), name: z.string().nullable() })
      .nullable()
      .describe('As far as the account’s privacy shows it.'),
    startedAt: time,
    answeredAt: time.nullable(),
    establishedAt: time.nullable().describe('When the far end confirmed the answer.'),
    joinedAt: time.nullable().describe('When it first joined a session.'),
    endedAt: time.nullable().describe('Null while it is live.'),
    durationMs: z
      .int()
      .nullable()
      .describe('From answer to end. Null while it is live, and where a restart hid its end.'),
    outcome: outcomeSchema.nullable(),
    media: mediaSchema.nullable(),
  })
  .meta({ id: 'CallRecord', description: 'What is kept of a connection.' });

const pageSchema = z
  .strictObject({
    records: z.array(recordSchema),
    next: nextPage,
  })
  .meta({ id: 'CallRecordPage' });

const timeOrNull = (at: number | null) => (at === null ? null : formatTime(at));

function formatRecord(record: CallRecord): z.output<typeof recordSchema> {
  const { statistics } = record;
  return {
    legId: record.legId,
    sessionId: record.sessionId,
    ...(record.sessionTag === null ? {} : { sessionTag: record.sessionTag }),
    participantId: record.participantId,
    ...(record.participantTag === null ? {} : { participantTag: record.participantTag }),
    door: record.door,
    kind: record.kind,
    callId: record.callId,
    voiceCallId: record.voiceCallId,
    caller: record.caller,
    startedAt: formatTime(record.startedAt),
    answeredAt: timeOrNull(record.answeredAt),
    establishedAt: timeOrNull(record.establishedAt),
    joinedAt: timeOrNull(record.joinedAt),
    endedAt: timeOrNull(record.endedAt),
    durationMs: record.durationMs,
    outcome: record.outcome,
    media:
      statistics === null
        ? null
        : {
            packetsReceived: statistics.packetsReceived,
            packetsSent: statistics.packetsSent,
            packetsLost: statistics.packetsLost,
            packetsFromStrangers: statistics.packetsFromStrangers,
            jitterMs: statistics.jitterMs,
          },
  };
}

export function recordOperations(records: Pick<CallRecordStore, 'listRecords'>): Operation[] {
  return [
    operationsOf('Records')({
      operationId: 'listRecords',
      method: 'GET',
      path: '/records',
      summary: 'List call detail records',
      description: 'One for each connection of a participant, live ones too; the newest first.',
      query: recordQuery,
      success: { status: 200, description: 'A page of records', schema: pageSchema },
      handle: async ({ accountId, query }) => {
        const page = await records.listRecords({ accountId, ...query });
        return { records: page.records.map(formatRecord), next: formatNext(page.next) };
      },
    }),
  ];
}
