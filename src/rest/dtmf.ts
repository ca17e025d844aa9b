/** Keys that are pressed for phones: `/participants/{participantId}/dtmf`. */
import * as z from 'zod';
import type { DtmfService } from '../domain/keys/dtmf-service.js';
import { keyTiming } from '../domain/keys/key-timing.js';
import { participantPath } from './fields.js';
import { operationsOf, type Operation } from './operation.js';

const newKeys = z
  .strictObject({
    digits: z
      .string()
      .max(64)
      .regex(/^[0-9*#A-Da-d,]+$/, 'must be digits, *, #, A to D, and commas for pauses')
      .describe('Keys in their order; a comma is a pause of one second.'),
    durationMs: z
      .int()
      .min(keyTiming.shortestMs)
      .max(keyTiming.longestMs)
      .default(keyTiming.defaultMs)
      .describe('How long each is pressed.'),
  })
  .meta({ id: 'NewKeys' });

export function dtmfOperations(dtmf: DtmfService): Operation[] {
  return [
    operationsOf('Legs')({
      operationId: 'sendDtmf',
      method: 'POST',
      path: '/participants/{participantId}/dtmf',
      summary: 'Press keys for a phone to hear of',
      description:
        'Answers when all were sent, which takes a minute at most. Those of several requests go one after the other. ' +
        '409 where the participant is not connected, no phone or holds the call, where the phone takes no key presses or ' +
        'refuses one, or where too many wait already.',
      params: participantPath,
      takesIdempotencyKey: true,
      body: newKeys,
      success: { status: 204, description: 'All were sent' },
      errors: [404, 409],
      handle: ({ accountId, params, body, idempotencyKey }) =>
        dtmf.send(accountId, params.participantId, body, idempotencyKey),
    }),
  ];
}
