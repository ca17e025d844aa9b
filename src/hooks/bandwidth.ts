/** Bandwidth: JSON in, BXML out; requests are proved by HTTP Basic. */
import type { Instruction, TransferTarget } from '../domain/transfers/transfer.js';
import {
  maxPinDigits,
  noContent,
  pinTimeoutSeconds,
  type Credentials,
  type HookAnswer,
  type HookDialect,
  type HookMessage,
  type HookPlace,
} from './dialect.js';
import { textField, type HookRequest } from './hook-request.js';
import { isSame } from './proof.js';
import { bandwidthCallId, codeUri, safeCallerId, userToUser } from './sip-headers.js';
import { element, xmlAnswer, type XmlAttributes } from './xml.js';

/** `credentials`: what Bandwidth is to show us when it reports the end. */
export function formatBandwidthAnswer(target: TransferTarget, credentials: Credentials = {}): Instruction {
  const uui = userToUser(target.token, bandwidthCallId(target.voiceCallId));
  const sipUri =
    uui === null ? element('SipUri', {}, codeUri(target)) : element('SipUri', { uui }, target.sipUri);
  return xmlAnswer(
    element(
      'Transfer',
      {
        transferCallerId: safeCallerId(target),
        callTimeout: target.timeoutSeconds,
        ...(target.completeUrl === null
          ? {}
          : { transferCompleteUrl: target.completeUrl, ...shown(credentials) }),
      },
      sipUri,
    ),
  );
}

export const bandwidth: HookDialect = {
  platform: 'bandwidth',
  methods: ['POST'],
  credentials: [
    { name: 'username', isRequired: true, description: 'User name of the callbacks, as set at Bandwidth.' },
    { name: 'password', isRequired: true, description: 'Password of the callbacks, as set at Bandwidth.' },
  ],

  verify(request, { username = '', password = '' }) {
    const expected = Buffer.from(`${username}:${password}`).toString('base64');
    return isSame(shownPassword(request), expected) ? 'genuine' : 'forged';
  },
  shownPassword,

  read: readBandwidth,

  answers: (_, credentials) => ({
    transfer: (target) => formatBandwidthAnswer(target, credentials),
    askPin: ({ text, url }) =>
      xmlAnswer(
        element(
          'Gather',
          {
            gatherUrl: url,
            ...shown(credentials),
            maxDigits: maxPinDigits,
            terminatingDigits: '#',
            firstDigitTimeout: pinTimeoutSeconds,
            interDigitTimeout: pinTimeoutSeconds,
          },
          element('SpeakSentence', {}, text),
        ),
      ),
    refuse: (text) => xmlAnswer(element('SpeakSentence', {}, text), element('Hangup')),
    finish: (): HookAnswer => xmlAnswer(element('Hangup')),
    acknowledge: () => noContent,
  }),
};

function shownPassword({ headers }: HookRequest): string {
  return /^basic +([A-Za-z0-9+/=]+) *$/i.exec(headers['authorization'] ?? '')?.[1] ?? '';
}

function shown({ username, password }: Credentials): XmlAttributes {
  return { username: username ?? null, password: password ?? null };
}

function readBandwidth(request: HookRequest, place: HookPlace): HookMessage {
  const voiceCallId = textField(request, 'callId');
  const type = textField(request, 'eventType');
  if (voiceCallId === null || type === null) return { kind: 'unreadable' };
  const call = {
    voiceCallId,
    from: textField(request, 'from'),
    to: textField(request, 'to'),
    headers: {
      ...(textField(request, 'uui') === null ? {} : { 'User-to-User': textField(request, 'uui') ?? '' }),
    },
  };
  switch (type) {
    case 'initiate':
    case 'answer':
    case 'redirect':
      return { kind: 'call', call };
    case 'gather':
      return place === 'pin'
        ? { kind: 'digits', call, digits: textField(request, 'digits') ?? '' }
        : { kind: 'unreadable' };
    case 'transferComplete':
    case 'disconnect':
      return { kind: 'ended', voiceCallId, cause: textField(request, 'cause') };
    default:
      return { kind: 'other' };
  }
}
