/** Twilio: forms in, TwiML out. */
import { createHash } from 'node:crypto';
import type { Instruction, TransferTarget } from '../domain/transfers/transfer.js';
import {
  maxPinDigits,
  pinTimeoutSeconds,
  type HookDialect,
  type HookMessage,
  type HookPlace,
  type PlatformAnswers,
  type Verdict,
} from './dialect.js';
import { readFormCall } from './form-call.js';
import type { Field, HookRequest } from './hook-request.js';
import { hmac, isSame } from './proof.js';
import { safeCallerId, userToUser } from './sip-headers.js';
import { element, xmlAnswer } from './xml.js';

/** The longest `<Sip>` URI with its headers that Twilio takes. */
const maxUri = 254;

/** The URI with the credential among its headers: the token where it fits, else the join code. */
export function twilioSipUri({ sipUri, token, joinCode }: TransferTarget): string {
  // Neither Twilio nor its SDK escapes the value.
  const value = userToUser(token);
  const withToken = value === null ? null : `${sipUri}?User-to-User=${encodeURIComponent(value)}`;
  return withToken !== null && withToken.length <= maxUri
    ? withToken
    : `${sipUri}?X-Landbridge-Token=${encodeURIComponent(joinCode)}`;
}

export function formatTwilioAnswer(target: TransferTarget): Instruction {
  return xmlAnswer(
    element(
      'Dial',
      {
        answerOnBridge: 'true',
        callerId: safeCallerId(target),
        timeout: target.timeoutSeconds,
        action: target.completeUrl,
      },
      element('Sip', {}, twilioSipUri(target)),
    ),
  );
}

export const twimlAnswers: PlatformAnswers = {
  transfer: formatTwilioAnswer,
  askPin: ({ text, url }) =>
    xmlAnswer(
      element(
        'Gather',
        {
          input: 'dtmf',
          action: url,
          method: 'POST',
          numDigits: maxPinDigits,
          finishOnKey: '#',
          timeout: pinTimeoutSeconds,
          // We are asked what comes next also where the caller keyed in nothing.
          actionOnEmptyResult: 'true',
        },
        element('Say', {}, text),
      ),
    ),
  refuse: (text) => xmlAnswer(element('Say', {}, text), element('Hangup')),
  finish: () => xmlAnswer(element('Hangup')),
  acknowledge: () => xmlAnswer(),
};

export const twilio: HookDialect = {
  platform: 'twilio',
  methods: ['POST', 'GET'],
  credentials: [
    { name: 'authToken', isRequired: true, description: 'The auth token of the Twilio account.' },
  ],

  verify: (request, { authToken = '' }): Verdict =>
    isTwilioSignature(request, authToken, request.headers['x-twilio-signature'] ?? '') ? 'genuine' : 'forged',

  read: readTwiml,
  answers: () => twimlAnswers,
};

/** A form is signed with the URL; any other body is proved by its hash in the signed query. */
function isTwilioSignature(request: HookRequest, authToken: string, signature: string): boolean {
  const bodyHash = request.query.find(([name]) => name === 'bodySHA256')?.[1];
  const isForm = request.contentType === 'application/x-www-form-urlencoded';
  if (!isForm && request.rawBody.length > 0) {
    const hash = createHash('sha256').update(request.rawBody).digest('hex');
    if (bodyHash === undefined || !isSame(hash, bodyHash.toLowerCase())) return false;
  }
  const fields = signedFields(request.form);
  return withAndWithoutPort(request.url)
    .map((url) => isSame(hmac('sha1', authToken, url + fields, 'base64'), signature))
    .includes(true);
}

/** The form as it is signed: each name, in order, followed by its values, in order and without repetition. */
export function signedFields(form: readonly Field[]): string {
  const byName = new Map<string, Set<string>>();
  for (const [name, value] of form) byName.set(name, (byName.get(name) ?? new Set()).add(value));
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, values]) => [...values].sort().map((value) => name + value))
    .join('');
}

/** The URL as it is, without its port and with the standard one: a proxy on the way may have added or dropped it. */
export function withAndWithoutPort(url: string): string[] {
  const parts = /^(https?):\/\/([^/?#]*?)(:\d+)?([/?#].*)?$/i.exec(url);
  if (parts === null) return [url];
  const [, scheme = '', host = '', , rest = ''] = parts;
  const standard = scheme.toLowerCase() === 'https' ? 443 : 80;
  return [...new Set([url, `${scheme}://${host}${rest}`, `${scheme}://${host}:${standard}${rest}`])];
}

/** Reads Twilio's fields, which other platforms took over. */
export function readTwiml(request: HookRequest, place: HookPlace): HookMessage {
  return readFormCall(request, place, {
    callId: 'CallSid',
    headerPrefix: 'SipHeader_',
    dialStatus: 'DialCallStatus',
  });
}
