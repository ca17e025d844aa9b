/** SignalWire: SWML for JSON requests, and cXML, which is Twilio's language, for forms. */
import type { Instruction, TransferTarget } from '../domain/transfers/transfer.js';
import {
  jsonAnswer,
  maxPinDigits,
  pinTimeoutSeconds,
  type HookDialect,
  type HookMessage,
  type HookPlace,
  type PlatformAnswers,
} from './dialect.js';
import { objectIn, shortText, textField, textsOf, type HookRequest } from './hook-request.js';
import { hmac, isSame } from './proof.js';
import { credentialHeaders } from './sip-headers.js';
import { formatTwilioAnswer, readTwiml, signedFields, twimlAnswers, withAndWithoutPort } from './twilio.js';

/** Names the transport, since SignalWire would use TLS where the URI names none. */
function withTransport(target: TransferTarget): TransferTarget {
  if (target.sipTransport !== null) return target;
  return { ...target, sipUri: `${target.sipUri};transport=udp`, sipTransport: 'udp' };
}

export function formatSwmlAnswer(target: TransferTarget): Instruction {
  const { sipUri } = withTransport(target);
  const headers = Object.entries(credentialHeaders(target)).map(([name, value]) => ({ name, value }));
  return swml({ connect: { to: sipUri, headers, timeout: target.timeoutSeconds, answer_on_bridge: true } });
}

function swml(...main: readonly (string | Readonly<Record<string, unknown>>)[]): Instruction {
  return jsonAnswer({ version: '1.0.0', sections: { main } });
}

const swmlAnswers: PlatformAnswers = {
  transfer: formatSwmlAnswer,
  askPin: ({ text, url }) =>
    swml(
      {
        prompt: {
          play: `say:${text}`,
          max_digits: maxPinDigits,
          terminators: '#',
          initial_timeout: pinTimeoutSeconds,
          digit_timeout: pinTimeoutSeconds,
        },
      },
      // SignalWire asks for the next document with the digits.
      { transfer: { dest: url, params: { digits: '%{prompt_value}' } } },
    ),
  refuse: (text) => swml({ play: { url: `say:${text}` } }, 'hangup'),
  finish: () => swml('hangup'),
  acknowledge: () => swml(),
};

const cxmlAnswers: PlatformAnswers = {
  ...twimlAnswers,
  transfer: (target) => formatTwilioAnswer(withTransport(target)),
};

export const signalwire: HookDialect = {
  platform: 'signalwire',
  methods: ['POST', 'GET'],
  credentials: [
    { name: 'signingKey', isRequired: true, description: 'The signing key of the SignalWire project.' },
  ],

  verify({ headers, url, rawBody, form, contentType }, { signingKey = '' }) {
    const sha256 = headers['x-signalwire-sha256-signature'];
    const algorithm = sha256 === undefined ? 'sha1' : 'sha256';
    const given = sha256 ?? headers['x-signalwire-signature'] ?? headers['x-twilio-signature'] ?? '';
    const fields = signedFields(form);
    const isForm = contentType === 'application/x-www-form-urlencoded' || rawBody.length === 0;
    const isGenuine = withAndWithoutPort(url)
      .flatMap((address) => [
        isSame(hmac(algorithm, signingKey, Buffer.concat([Buffer.from(address), rawBody]), 'hex'), given),
        isForm && isSame(hmac(algorithm, signingKey, address + fields, 'base64'), given),
      ])
      .includes(true);
    return isGenuine ? 'genuine' : 'forged';
  },

  read: (request, place) => (request.json === null ? readTwiml(request, place) : readSwml(request, place)),
  answers: ({ json }) => (json === null ? cxmlAnswers : swmlAnswers),
};

function readSwml(request: HookRequest, place: HookPlace): HookMessage {
  const call = objectIn(request.json, 'call');
  const voiceCallId = shortText(call['call_id']) ?? textField(request, 'call_id');
  if (voiceCallId === null) return { kind: 'unreadable' };
  const incoming = {
    voiceCallId,
    from: shortText(call['from']),
    to: shortText(call['to']),
    headers: headersOf(call),
  };
  if (place === 'call') return { kind: 'call', call: incoming };
  if (place === 'complete') {
    const cause =
      shortText(objectIn(request.json, 'vars')['connect_result']) ?? shortText(call['call_state']);
    return { kind: 'ended', voiceCallId, cause };
  }
  const digits =
    shortText(objectIn(request.json, 'params')['digits']) ??
    shortText(objectIn(request.json, 'vars')['prompt_value']);
  return { kind: 'digits', call: incoming, digits: digits ?? '' };
}

/** The call's SIP headers, which come as a list of names and values or as an object. */
function headersOf(call: Readonly<Record<string, unknown>>): Record<string, string> {
  const listed: unknown = call['headers'];
  if (!Array.isArray(listed)) return textsOf(objectIn(call, 'headers'));
  return textsOf(
    Object.fromEntries(
      (listed as unknown[]).slice(0, 50).flatMap((header) => {
        const name = shortText((header as { name?: unknown } | null)?.name);
        return name === null ? [] : [[name, (header as { value?: unknown }).value]];
      }),
    ),
  );
}
