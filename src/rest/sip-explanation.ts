/** What would become of a call: `/sip/explain`. */
import { isIP } from 'node:net';
import * as z from 'zod';
import type { CallExplainer, CallInQuestion } from '../domain/call-explainer.js';
import { operationsOf, type Operation } from './operation.js';

const question = z
  .strictObject({
    message: z
      .string()
      .min(1)
      .describe('An INVITE as it came, or as a log, a terminal or a capture shows it; LF will do for CRLF.'),
    source: z
      .strictObject({
        address: z
          .string()
          .max(64)
          .refine((text) => isIP(text.replace(/^\[|\]$/g, '')) !== 0, 'must be an IPv4 or IPv6 address'),
        port: z.int().min(1).max(65_535).nullish(),
        transport: z.enum(['udp', 'tcp', 'tls', 'ws', 'wss']).nullish(),
      })
      .nullish()
      .describe('Where it comes from. Missing: where its first Via says.'),
  })
  .meta({ id: 'CallInQuestion' });

const value = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);

const stepSchema = z
  .strictObject({
    step: z
      .enum([
        ...(['source', 'message', 'rules', 'credential', 'form', 'caller', 'number', 'token'] as const),
        ...([
          'trunk',
          'digest',
          'lists',
          'limits',
          'stir',
          'participant',
          'session',
          'capacity',
          'media',
        ] as const),
      ])
      .describe('What was looked at; new ones may come.'),
    verdict: z
      .enum(['passed', 'refused', 'noted', 'unknown'])
      .describe('`noted` decides nothing; `unknown` cannot be told before, or not to this account.'),
    text: z.string(),
    details: z.record(z.string(), value),
    hint: z.string().nullable().describe('What to set or to look at.'),
  })
  .meta({ id: 'ExplainedStep' });

const explanationSchema = z
  .strictObject({
    mended: z.array(z.string()).describe('What of the text was not as it is on the wire.'),
    steps: z
      .array(stepSchema)
      .describe('In the order in which they count: the first that is not passed or noted decides.'),
    answer: z.strictObject({
      result: z.enum(['answered', 'refused', 'none', 'unknown']),
      sipStatus: z.int().nullable(),
      reason: z.string().nullable().describe('The reason text of a refusal: see docs/reference/refusals.md.'),
      contact: z.string().nullable().describe('Where the caller would be told to reach us.'),
      description: z
        .string()
        .nullable()
        .describe('The SDP of the answer, with a port that stands for whichever would be free.'),
    }),
  })
  .meta({ id: 'CallExplanation' });

export function sipExplanationOperations(calls: CallExplainer): Operation[] {
  return [
    operationsOf('SIP')({
      operationId: 'explainCall',
      method: 'POST',
      path: '/sip/explain',
      summary: 'Explain what would become of a call',
      description:
        'Looks at an INVITE step by step and changes nothing: no slot is claimed, nothing is counted or told. ' +
        'What another account has is told of as what nobody has.',
      body: question,
      textField: 'message',
      success: { status: 200, description: 'What would become of it', schema: explanationSchema },
      handle: ({ accountId, body }) => calls.explain(accountId, toQuestion(body)),
    }),
  ];
}

function toQuestion({ message, source }: z.output<typeof question>): CallInQuestion {
  if (source === null || source === undefined) return { message, source: null };
  const { address, port = null, transport = null } = source;
  return { message, source: { address, port, transport } };
}
