/** Telnyx: TeXML, which is Twilio's language, for forms; Call Control, where the answer is an order to its API, for JSON. */
import { createPublicKey, verify } from 'node:crypto';
import type { Instruction, TransferTarget } from '../domain/transfers/transfer.js';
import {
  jsonAnswer,
  maxPinDigits,
  pinTimeoutSeconds,
  type HookAnswer,
  type HookDialect,
  type HookMessage,
  type HookPlace,
  type PlatformCommand,
  type PlatformAnswers,
  type Verdict,
} from './dialect.js';
import { objectIn, shortText, type HookRequest } from './hook-request.js';
import { isFresh } from './proof.js';
import { codeUri, safeCallerId, userToUser } from './sip-headers.js';
import { readTwiml, twimlAnswers } from './twilio.js';
import { element, xmlAnswer } from './xml.js';

/** Telnyx does not say whether a TeXML URI may bear headers, so the join code stands in its user part. */
export function formatTexmlAnswer(target: TransferTarget): Instruction {
  return xmlAnswer(
    element(
      'Dial',
      {
        callerId: safeCallerId(target),
        timeout: target.timeoutSeconds,
        action: target.completeUrl,
      },
      element('Sip', {}, codeUri(target)),
    ),
  );
}

/** The body of `POST /v2/calls/{call_control_id}/actions/transfer`. */
function formatCallControlTransfer(target: TransferTarget): Readonly<Record<string, unknown>> {
  const value = userToUser(target.token);
  const transport =
    target.sipTransport === null ? {} : { sip_transport_protocol: target.sipTransport.toUpperCase() };
  return {
    ...(value === null
      ? { to: codeUri(target) }
      : { to: target.sipUri, sip_headers: [{ name: 'User-to-User', value }] }),
    ...transport,
    timeout_secs: target.timeoutSeconds,
  };
}

export function formatCallControlAnswer(target: TransferTarget): Instruction {
  return jsonAnswer(formatCallControlTransfer(target));
}

/** Answers with orders about one call. Telnyx ignores an order that bears the id of an earlier one, so a repetition does no harm. */
function callControlAnswers(request: HookRequest): PlatformAnswers {
  const { callId, eventId } = aboutCall(request);
  const order = (action: string, body: Readonly<Record<string, unknown>>): PlatformCommand => ({
    path: `/v2/calls/${encodeURIComponent(callId)}/actions/${action}`,
    body: { ...body, command_id: `${action}-${eventId}` },
  });
  const taken = (...commands: readonly PlatformCommand[]): HookAnswer => ({ ...jsonAnswer({}), commands });
  const say = (text: string) => ({ payload: text, voice: 'female', language: 'en-US' });
  return {
    transfer: (target) => taken(order('transfer', formatCallControlTransfer(target))),
    // A call must be answered before anything is said on it; the question follows when it is.
    askPin: ({ text }) =>
      eventTypeOf(request) === 'call.initiated'
        ? taken(order('answer', {}))
        : taken(
            order('gather_using_speak', {
              ...say(text),
              maximum_digits: maxPinDigits,
              terminating_digit: '#',
              timeout_millis: 3 * pinTimeoutSeconds * 1000,
              inter_digit_timeout_millis: pinTimeoutSeconds * 1000,
            }),
          ),
    refuse: () =>
      taken(order(eventTypeOf(request) === 'call.initiated' ? 'reject' : 'hangup', rejection(request))),
    finish: () => taken(),
    acknowledge: () => taken(),
  };
}

function rejection(request: HookRequest): Readonly<Record<string, unknown>> {
  return eventTypeOf(request) === 'call.initiated' ? { cause: 'USER_BUSY' } : {};
}

const texmlAnswers: PlatformAnswers = { ...twimlAnswers, transfer: formatTexmlAnswer };

/** What comes before a raw Ed25519 key of 32 bytes in its DER form (RFC 8410 section 4). */
const keyPrefix = Buffer.from('302a300506032b6570032100', 'hex');

export const telnyx: HookDialect = {
  platform: 'telnyx',
  methods: ['POST'],
  credentials: [
    {
      name: 'publicKey',
      isRequired: true,
      description: 'The public key of the Telnyx account: 32 bytes in base64.',
      form: /^[A-Za-z0-9+/]{43}=$/,
    },
    {
      name: 'apiKey',
      isRequired: false,
      description: 'An API key, for Call Control: there the answer is a call of Telnyx’s API.',
      form: /^[\x21-\x7e]{1,256}$/,
    },
  ],

  verify({ headers, rawBody }, { publicKey = '' }, nowMs): Verdict {
    const timestamp = headers['telnyx-timestamp'] ?? '';
    const signature = Buffer.from(headers['telnyx-signature-ed25519'] ?? '', 'base64');
    const raw = Buffer.from(publicKey, 'base64');
    if (!/^\d{1,12}$/.test(timestamp) || raw.length !== 32 || signature.length !== 64) return 'forged';
    const key = createPublicKey({ key: Buffer.concat([keyPrefix, raw]), format: 'der', type: 'spki' });
    const signed = Buffer.concat([Buffer.from(`${timestamp}|`), rawBody]);
    if (!verify(null, signed, key, signature)) return 'forged';
    return isFresh(Number(timestamp), nowMs) ? 'genuine' : 'stale';
  },

  read: (request, place) =>
    request.json === null ? readTwiml(request, place) : readCallControl(request, place),
  answers: (request) => (request.json === null ? texmlAnswers : callControlAnswers(request)),
};

function aboutCall(request: HookRequest) {
  const data = objectIn(request.json, 'data');
  const payload = objectIn(data, 'payload');
  return {
    payload,
    callId: shortText(payload['call_control_id']) ?? '',
    eventId: shortText(data['id']) ?? shortText(payload['call_leg_id']) ?? '',
  };
}

function eventTypeOf(request: HookRequest): string {
  return shortText(objectIn(request.json, 'data')['event_type']) ?? '';
}

function readCallControl(request: HookRequest, place: HookPlace): HookMessage {
  const { payload, callId } = aboutCall(request);
  if (callId === '' || eventTypeOf(request) === '') return { kind: 'unreadable' };
  const call = {
    voiceCallId: callId,
    from: shortText(payload['from']),
    to: shortText(payload['to']),
    headers: { ...namedValues(payload['custom_headers']), ...namedValues(payload['sip_headers']) },
  };
  switch (eventTypeOf(request)) {
    case 'call.initiated':
      // Our own transfer's second leg is announced here too.
      return payload['direction'] === 'outgoing' || place !== 'call'
        ? { kind: 'other' }
        : { kind: 'call', call };
    case 'call.answered':
      return payload['direction'] === 'outgoing' ? { kind: 'other' } : { kind: 'ready', call };
    case 'call.gather.ended':
      return { kind: 'digits', call, digits: (shortText(payload['digits']) ?? '').replace(/#$/, '') };
    case 'call.hangup':
      return { kind: 'ended', voiceCallId: callId, cause: shortText(payload['hangup_cause']) };
    default:
      return { kind: 'other' };
  }
}

function namedValues(listed: unknown): Record<string, string> {
  if (!Array.isArray(listed)) return {};
  return Object.fromEntries(
    (listed as unknown[]).slice(0, 50).flatMap((header) => {
      const { name, value } = (typeof header === 'object' && header !== null ? header : {}) as Record<
        string,
        unknown
      >;
      const [key, text] = [shortText(name), shortText(value)];
      return key === null || text === null ? [] : [[key, text]];
    }),
  );
}
