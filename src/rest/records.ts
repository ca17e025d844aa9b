/** Call detail records: `/records`. */
import * as z from 'zod';
import type { CallRecord, CallRecordStore } from '../domain/facts/call-record.js';
import { endReasons } from '../domain/outcome.js';
import { maskNumber } from '../domain/participants/caller.js';
import type { Verifier } from '../domain/participants/caller-verification.js';
import {
  callHeadersSchema,
  encryption,
  formatNext,
  formatTime,
  nextPage,
  packetsNotGenuine,
  pageQuery,
  stirSchema,
  time,
  uuid,
} from './fields.js';
import { audioQualitySchema, formatMedia } from './media-quality.js';
import { parseMoment } from './moment.js';
import { operationsOf, type Operation } from './operation.js';

const moment = z
  .string()
  .transform((text, context) => {
    const at = parseMoment(text);
    if (at !== null) return at;
    const message = 'must be a time with its zone, like 2026-01-31T08:00:00Z, or a date';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .meta({ type: 'string', format: 'date-time' });

const searched = z.string().min(1).max(1024);

/** `+` in a query stands for a blank, which no Call-ID has in it: whoever wrote it meant the plus. */
const searchedCallId = searched.transform((text) => text.replaceAll(' ', '+'));

const searchedNumber = searched.transform(numbersLike).meta({ type: 'string' });

/** A number in the forms that records may show it in: with and without its `+`, in full and masked. */
function numbersLike(text: string): string[] {
  const digits = text.replace(/^[ +]/, '').replaceAll(/[ ().-]/g, '');
  const forms = [text, digits, `+${digits}`];
  return [...new Set([...forms, ...forms.map((form) => maskNumber(form))])];
}

const recordQuery = pageQuery.extend({
  outcome: z
    .enum(endReasons)
    .optional()
    .describe('Only those that ended so: `refused` are calls that were not let in, with or without a leg.'),
  sessionId: uuid.optional().describe('Only of this session.'),
  participantId: uuid.optional().describe('Only of this participant.'),
  legId: uuid.optional().describe('Only of this leg.'),
  callId: searchedCallId.optional().describe('Only with this Call-ID (SIP), or what the door has for one.'),
  voiceCallId: searchedCallId.optional().describe('Only with this id of the voice platform’s.'),
  trunkId: uuid.optional().describe('Only calls of this trunk, which may be deleted.'),
  callerNumber: searchedNumber
    .optional()
    .describe(
      'Only of this caller, in full or as records show it. Where they show masked numbers, of all callers whose number is masked to the same.',
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
    packetsNotGenuine: packetsNotGenuine.optional(),
    encryption: encryption.optional(),
    jitterMs: z.number().describe('To a tenth.'),
    audio: audioQualitySchema
      .nullable()
      .describe(
        'How good the audio was. Null where nothing was measured, and in records of versions that did not measure it.',
      ),
  })
  .meta({ id: 'CallMedia', description: 'What the gateway counted of the call’s RTP.' });

const refusalSchema = z
  .strictObject({
    code: z.string().describe('Why: see docs/reference/refusals.md. The SIP status is the outcome’s.'),
    detail: z.string().nullable().describe('More of why.'),
    source: z
      .string()
      .nullable()
      .describe('The address that it came from; null where the record stands for calls of many.'),
    dialled: z
      .string()
      .nullable()
      .describe(
        'The telephone number that was called, as it was written; masked where it may be a join code.',
      ),
    calls: z.int().describe('How many calls the record stands for, of which it describes the first.'),
  })
  .meta({ id: 'CallRefusal', description: 'Why and how a call was refused.' });

const recordSchema = z
  .strictObject({
    legId: z.uuid().describe('Of a call that was refused before it had a leg: an id of its own.'),
    sessionId: z
      .uuid()
      .nullable()
      .describe('The session it joined last; of a call without a leg, that of its participant.'),
    sessionTag: z.string().optional(),
    participantId: z.uuid().nullable().describe('Null: a refused call that named none.'),
    participantTag: z.string().optional(),
    door: z
      .string()
      .describe('The signalling protocol it came in by; the voice platform, where a hook refused it.'),
    kind: z.enum(['phone', 'browser']).nullable(),
    callId: z.string(),
    voiceCallId: z.string().nullable(),
    trunkId: z.uuid().nullable().describe('The trunk that the call came from; null where it was of none.'),
    caller: z
      .strictObject({ number: z.string().nullable(), name: z.string().nullable() })
      .nullable()
      .describe('As far as the account’s privacy shows it.'),
    stir: stirSchema
      .nullable()
      .describe('Null where its trunk does not ask, and of a call that was refused before it had a leg.'),
    headers: callHeadersSchema
      .nullable()
      .describe('Null where its trunk shows none, and of a call that was refused before it had a leg.'),
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
    refusal: refusalSchema.nullable().describe('Null where it was let in.'),
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

const gatewaysWord: { readonly by: Verifier } = { by: 'gateway' };

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
    trunkId: record.trunkId,
    caller: record.caller,
    // What was kept before there were two is the gateway's.
    stir: record.stir && { ...gatewaysWord, ...record.stir },
    headers: record.headers,
    startedAt: formatTime(record.startedAt),
    answeredAt: timeOrNull(record.answeredAt),
    establishedAt: timeOrNull(record.establishedAt),
    joinedAt: timeOrNull(record.joinedAt),
    endedAt: timeOrNull(record.endedAt),
    durationMs: record.durationMs,
    outcome: record.outcome,
    refusal: record.refusal,
    media: statistics === null ? null : formatMedia(statistics),
  };
}

/** `operatorAccount`: sees also refused calls that named no account; null where nobody does. */
export function recordOperations(
  records: Pick<CallRecordStore, 'listRecords'>,
  operatorAccount: string | null,
): Operation[] {
  return [
    operationsOf('Records')({
      operationId: 'listRecords',
      method: 'GET',
      path: '/records',
      summary: 'List call detail records',
      description:
        'One for each connection of a participant, live ones too, and for calls that were refused; the newest first. Refused ' +
        'calls that named neither a participant nor a number of an account are shown to the account of the gateway’s operator.',
      query: recordQuery,
      success: { status: 200, description: 'A page of records', schema: pageSchema },
      handle: async ({ accountId, query: { callerNumber: callerNumbers, ...query } }) => {
        const withNobodys = accountId === operatorAccount;
        const page = await records.listRecords({ accountId, withNobodys, ...query, callerNumbers });
        return { records: page.records.map(formatRecord), next: formatNext(page.next) };
      },
    }),
  ];
}
