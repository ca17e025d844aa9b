/** Traces of calls: `/sip/traces`. */
import * as z from 'zod';
import type { CallTraces, Trace, TracedCall, TraceMatch } from '../domain/call-trace.js';
import { isNetwork } from '../domain/network-list.js';
import { formatTime, time } from './fields.js';
import { operationsOf, type Operation } from './operation.js';

export interface TraceResources {
  readonly traces: CallTraces;
  readonly maxMinutes: number;
}

const name = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'must have 1 to 64 letters, digits, dots, hyphens and underscores')
  .describe('Yours to choose.');
const tracePath = z.object({ name });
const callQuery = z.object({
  callId: z.string().min(1).max(1024).optional().describe('Only the call with this Call-ID.'),
});

const matchFields = {
  number: z.string().min(3).max(64).nullish().describe('Called or calling.'),
  callId: z.string().min(1).max(1024).nullish(),
  source: z
    .string()
    .max(64)
    .refine(isNetwork, 'must be an address or a network like 10.0.0.0/8')
    .nullish()
    .describe('An address or network that calls come from.'),
};

const newTrace = (maxMinutes: number) =>
  z
    .strictObject({
      ...matchFields,
      minutes: z
        .int()
        .min(1)
        .max(maxMinutes)
        .default(Math.min(60, maxMinutes))
        .describe('How long it lasts.'),
    })
    .refine(
      ({ number, callId, source }) =>
        [number, callId, source].filter((one) => one !== null && one !== undefined).length === 1,
      {
        message: 'must have one of number, callId and source',
      },
    )
    .meta({ id: 'NewTrace' });

const traceSchema = z
  .strictObject({
    name: z.string(),
    number: z.string().optional(),
    callId: z.string().optional(),
    source: z.string().optional(),
    until: time,
    calls: z.int(),
    seesPhones: z
      .boolean()
      .describe('False where phones call through a drachtio-server: then only browsers’ messages are seen.'),
  })
  .meta({ id: 'Trace' });

const callSchema = z
  .strictObject({
    callId: z.string(),
    firstAt: time,
    lastAt: time,
    messages: z.int(),
    messagesDropped: z.int().describe('Earlier ones that are no longer kept.'),
  })
  .meta({ id: 'TracedCall' });

const define = operationsOf('SIP');

export function sipTraceOperations({ traces, maxMinutes }: TraceResources): Operation[] {
  const show = (trace: Trace): z.output<typeof traceSchema> => formatTrace(trace, traces.seesPhones);
  return [
    define({
      operationId: 'putTrace',
      method: 'PUT',
      path: '/sip/traces/{name}',
      summary: 'Keep the SIP messages of calls',
      description:
        'From now on, for a while, in memory. Secrets are taken out first. Shown are the calls that are known for the account’s. One of the same name begins anew.',
      params: tracePath,
      body: newTrace(maxMinutes),
      success: { status: 200, description: 'The trace', schema: traceSchema },
      errors: [409],
      handle: async ({ accountId, params, body }) =>
        show(await traces.put(accountId, params.name, matchOf(body), body.minutes)),
    }),
    define({
      operationId: 'listTraces',
      method: 'GET',
      path: '/sip/traces',
      summary: 'List traces',
      success: { status: 200, description: 'The traces', schema: z.array(traceSchema) },
      handle: async ({ accountId }) => (await traces.list(accountId)).map(show),
    }),
    define({
      operationId: 'deleteTrace',
      method: 'DELETE',
      path: '/sip/traces/{name}',
      summary: 'End a trace and forget what it kept',
      params: tracePath,
      success: { status: 204, description: 'Forgotten' },
      errors: [404],
      handle: ({ accountId, params }) => traces.remove(accountId, params.name),
    }),
    define({
      operationId: 'listTracedCalls',
      method: 'GET',
      path: '/sip/traces/{name}/calls',
      summary: 'List the calls of a trace',
      params: tracePath,
      success: { status: 200, description: 'The oldest first', schema: z.array(callSchema) },
      errors: [404],
      handle: async ({ accountId, params }) => (await traces.calls(accountId, params.name)).map(formatCall),
    }),
    define({
      operationId: 'getLadder',
      method: 'GET',
      path: '/sip/traces/{name}/ladder',
      summary: 'Get the messages as text',
      params: tracePath,
      query: callQuery,
      success: { status: 200, description: 'Who said what to whom, then all of it', mediaType: 'text/plain' },
      errors: [404],
      handle: ({ accountId, params, query }) => traces.ladder(accountId, params.name, query.callId ?? null),
    }),
    define({
      operationId: 'getCapture',
      method: 'GET',
      path: '/sip/traces/{name}/capture',
      summary: 'Get the messages as a capture file',
      description: 'In the format of libpcap, for Wireshark and the like.',
      params: tracePath,
      query: callQuery,
      success: {
        status: 200,
        description: 'The file',
        download: ['application/vnd.tcpdump.pcap'],
      },
      errors: [404],
      handle: ({ accountId, params, query }) => traces.capture(accountId, params.name, query.callId ?? null),
    }),
  ];
}

function matchOf({ number, callId, source }: z.output<ReturnType<typeof newTrace>>): TraceMatch {
  if (typeof number === 'string') return { kind: 'number', number };
  if (typeof callId === 'string') return { kind: 'call-id', callId };
  return { kind: 'source', source: source ?? '' };
}

function formatTrace(
  { name: own, match, until, calls }: Trace,
  seesPhones: boolean,
): z.output<typeof traceSchema> {
  return {
    name: own,
    ...(match.kind === 'number' && { number: match.number }),
    ...(match.kind === 'call-id' && { callId: match.callId }),
    ...(match.kind === 'source' && { source: match.source }),
    ...{ until: formatTime(until), calls, seesPhones },
  };
}

function formatCall({ callId, firstAt, lastAt, messages, messagesDropped }: TracedCall) {
  return { callId, firstAt: formatTime(firstAt), lastAt: formatTime(lastAt), messages, messagesDropped };
}
