/** jambonz: JSON in, a JSON array of verbs out. */
import type { Instruction, TransferTarget } from '../domain/transfers/transfer.js';
import {
  jsonAnswer,
  maxPinDigits,
  pinTimeoutSeconds,
  type HookDialect,
  type HookMessage,
  type HookPlace,
  type Verdict,
} from './dialect.js';
import { objectIn, textField, textsOf, type HookRequest } from './hook-request.js';
import { hmac, isFresh, isSame } from './proof.js';
import { credentialHeaders, safeCallerId } from './sip-headers.js';

export function formatJambonzAnswer(target: TransferTarget): Instruction {
  const callerId = safeCallerId(target);
  return jsonAnswer([
    {
      verb: 'dial',
      answerOnBridge: true,
      ...(callerId === null ? {} : { callerId }),
      timeout: target.timeoutSeconds,
      ...(target.completeUrl === null ? {} : { actionHook: target.completeUrl }),
      target: [{ type: 'sip', sipUri: target.sipUri, headers: credentialHeaders(target) }],
    },
  ]);
}

export const jambonz: HookDialect = {
  platform: 'jambonz',
  methods: ['POST'],
  credentials: [
    { name: 'secret', isRequired: true, description: 'The webhook secret of the jambonz account.' },
  ],

  verify({ headers, rawBody }, { secret = '' }, nowMs): Verdict {
    const parts = (headers['jambonz-signature'] ?? '').split(',').slice(0, 10);
    const fields = parts.map((part) => part.trim().split('=', 2) as [string, string?]);
    const timestamp = fields.find(([name]) => name === 't')?.[1] ?? '';
    if (!/^\d{1,12}$/.test(timestamp)) return 'forged';
    const signed = Buffer.concat([Buffer.from(`${timestamp}.`), rawBody]);
    // There are several signatures while a secret is being changed.
    const expected = hmac('sha256', secret, signed, 'hex');
    const isGenuine = fields
      .map(([name, value = '']) => name === 'v1' && isSame(value, expected))
      .includes(true);
    if (!isGenuine) return 'forged';
    return isFresh(Number(timestamp), nowMs) ? 'genuine' : 'stale';
  },

  read: readJambonz,

  answers: () => ({
    transfer: formatJambonzAnswer,
    askPin: ({ text, url }) =>
      jsonAnswer([
        {
          verb: 'gather',
          input: ['digits'],
          minDigits: 1,
          maxDigits: maxPinDigits,
          finishOnKey: '#',
          timeout: pinTimeoutSeconds,
          interDigitTimeout: pinTimeoutSeconds,
          actionHook: url,
          say: { text },
        },
      ]),
    refuse: (text) => jsonAnswer([{ verb: 'say', text }, { verb: 'hangup' }]),
    finish: () => jsonAnswer([{ verb: 'hangup' }]),
    acknowledge: () => jsonAnswer([]),
  }),
};

function readJambonz(request: HookRequest, place: HookPlace): HookMessage {
  const voiceCallId = textField(request, 'call_sid');
  if (voiceCallId === null) return { kind: 'unreadable' };
  const call = {
    voiceCallId,
    from: textField(request, 'from'),
    to: textField(request, 'to'),
    headers: textsOf(objectIn(objectIn(request.json, 'sip'), 'headers')),
  };
  switch (place) {
    case 'call':
      return { kind: 'call', call };
    case 'pin':
      return { kind: 'digits', call, digits: textField(request, 'digits') ?? '' };
    case 'complete':
      return readEnd(request, voiceCallId);
  }
}

/** jambonz's call status hook reports every state, the dial's action hook only the end. */
function readEnd(request: HookRequest, voiceCallId: string): HookMessage {
  const dialled = textField(request, 'dial_call_status');
  if (dialled !== null) return { kind: 'ended', voiceCallId, cause: dialled };
  const status = textField(request, 'call_status') ?? '';
  return ['completed', 'failed', 'busy', 'no-answer'].includes(status)
    ? { kind: 'ended', voiceCallId, cause: status }
    : { kind: 'other' };
}
