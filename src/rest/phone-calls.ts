/** Calls that the gateway makes to itself as a phone, for the console's "call in as a phone": `/phone-calls`. */
import * as z from 'zod';
import { normalizeJoinCode } from '../domain/participants/join-code.js';
import { uuid } from './fields.js';
import { operationsOf, type Operation } from './operation.js';
import { RestError } from './rest-error.js';

export interface PhoneCallRequest {
  readonly accountId: string;
  /** Exactly one of these two is given. */
  readonly token?: string;
  readonly joinCode?: string;
  /** Missing: the caller's choice of a sound. */
  readonly toneHz?: number;
}

export interface PhoneCallStatus {
  /** UUID. */
  readonly callId: string;
  readonly state: 'calling' | 'answered' | 'ended';
  /** The status of a refusal. */
  readonly sipStatus?: number;
  /** Why it ended: the Reason text of a refusal, or who hung up. */
  readonly reason?: string;
}

/** Makes the calls; the composition root knows a phone. */
export interface PhoneCaller {
  /** Resolves at once with a call that is `calling`, or with null where there are too many already. */
  start(request: PhoneCallRequest): Promise<PhoneCallStatus | null>;
  /** Null where there is no such call of the account, or it was forgotten. */
  get(accountId: string, callId: string): PhoneCallStatus | null;
  /** Resolves with false where there is no such call. */
  hangUp(accountId: string, callId: string): Promise<boolean>;
}

const newPhoneCall = z
  .strictObject({
    // It goes into a header field: a line end in it would begin another.
    token: z
      .string()
      .max(1024)
      .regex(/^[\x21-\x7e]+$/, 'is not a token')
      .optional(),
    joinCode: z
      .string()
      .transform((text) => normalizeJoinCode(text) ?? '')
      .refine((code) => code !== '', 'is not a join code')
      .optional(),
    toneHz: z.number().min(50).max(3400).optional().describe('The pitch that the caller sounds.'),
  })
  .refine(
    (body) => (body.token === undefined) !== (body.joinCode === undefined),
    'must have either token or joinCode',
  )
  .meta({ id: 'NewPhoneCall' });

const phoneCallSchema = z
  .strictObject({
    id: z.uuid(),
    state: z.enum(['calling', 'answered', 'ended']),
    sipStatus: z.int().optional().describe('The status of a refusal.'),
    reason: z.string().optional().describe('Why it ended.'),
  })
  .meta({ id: 'PhoneCall' });

function formatPhoneCall({
  callId,
  state,
  sipStatus,
  reason,
}: PhoneCallStatus): z.output<typeof phoneCallSchema> {
  return {
    id: callId,
    state,
    ...(sipStatus === undefined ? {} : { sipStatus }),
    ...(reason === undefined ? {} : { reason }),
  };
}

const callPath = z.object({ callId: uuid });

const define = operationsOf('Phone calls');

export function phoneCallOperations(phone: PhoneCaller): Operation[] {
  return [
    define({
      operationId: 'createPhoneCall',
      method: 'POST',
      path: '/phone-calls',
      summary: 'Call in as a phone',
      description:
        'The gateway calls itself over SIP and RTP with the participant’s token, to try things out.',
      body: newPhoneCall,
      success: { status: 200, description: 'The call, ringing', schema: phoneCallSchema },
      handle: async ({ accountId, body }) => {
        const status = await phone.start({
          accountId,
          ...(body.token === undefined ? {} : { token: body.token }),
          ...(body.joinCode === undefined ? {} : { joinCode: body.joinCode }),
          ...(body.toneHz === undefined ? {} : { toneHz: body.toneHz }),
        });
        if (status === null) throw tooMany();
        return formatPhoneCall(status);
      },
    }),
    define({
      operationId: 'getPhoneCall',
      method: 'GET',
      path: '/phone-calls/{callId}',
      summary: 'Get such a call',
      params: callPath,
      success: { status: 200, description: 'The call', schema: phoneCallSchema },
      errors: [404],
      handle: ({ accountId, params }) => {
        const status = phone.get(accountId, params.callId);
        if (status === null) throw notFound();
        return Promise.resolve(formatPhoneCall(status));
      },
    }),
    define({
      operationId: 'deletePhoneCall',
      method: 'DELETE',
      path: '/phone-calls/{callId}',
      summary: 'Hang up such a call',
      params: callPath,
      success: { status: 204, description: 'Hung up' },
      errors: [404],
      handle: async ({ accountId, params }) => {
        if (!(await phone.hangUp(accountId, params.callId))) throw notFound();
      },
    }),
  ];
}

function notFound(): RestError {
  return new RestError('phone-call-not-found', 'Phone call not found');
}

function tooMany(): RestError {
  return new RestError('too-many-phone-calls', 'Too many such calls at once', {
    headers: { 'retry-after': '10' },
  });
}
