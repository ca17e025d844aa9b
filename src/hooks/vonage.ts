/** Vonage: query or JSON in, NCCO (a JSON array of actions) out; requests bear a JWT. */
import { createHash } from 'node:crypto';
import type { Instruction, TransferTarget } from '../domain/transfers/transfer.js';
import {
  jsonAnswer,
  maxPinDigits,
  noContent,
  pinTimeoutSeconds,
  type HookDialect,
  type HookMessage,
  type HookPlace,
  type Verdict,
} from './dialect.js';
import { objectIn, prefixedFields, shortText, textField, type HookRequest } from './hook-request.js';
import { hmac, isFresh, isSame } from './proof.js';
import { safeCallerId, userToUser } from './sip-headers.js';

export function formatVonageAnswer(target: TransferTarget): Instruction {
  const value = userToUser(target.token);
  const callerId = safeCallerId(target)?.replace(/^\+/, '') ?? null;
  return jsonAnswer([
    {
      action: 'connect',
      ...(callerId === null ? {} : { from: callerId }),
      timeout: target.timeoutSeconds,
      ...(target.completeUrl === null ? {} : { eventUrl: [target.completeUrl], eventMethod: 'POST' }),
      endpoint: [
        {
          type: 'sip',
          uri: target.sipUri,
          // It arrives as X-Landbridge-Token.
          headers: { 'Landbridge-Token': target.joinCode },
          ...(value === null ? {} : { standardHeaders: { 'User-to-User': value } }),
        },
      ],
    },
  ]);
}

export const vonage: HookDialect = {
  platform: 'vonage',
  methods: ['GET', 'POST'],
  credentials: [
    { name: 'signatureSecret', isRequired: true, description: 'The signature secret of the Vonage account.' },
  ],

  verify(request, { signatureSecret = '' }, nowMs): Verdict {
    const token = /^bearer +(\S+) *$/i.exec(request.headers['authorization'] ?? '')?.[1] ?? '';
    const claims = readHs256(token, signatureSecret);
    if (claims === null || !payloadHashes(request).some((hash) => isSame(hash, claims.payloadHash)))
      return 'forged';
    if (claims.expiresAt !== null && claims.expiresAt < nowMs / 1000) return 'stale';
    return isFresh(claims.issuedAt, nowMs) ? 'genuine' : 'stale';
  },

  read: readVonage,

  answers: () => ({
    transfer: formatVonageAnswer,
    askPin: ({ text, url }) =>
      jsonAnswer([
        { action: 'talk', text, bargeIn: true },
        {
          action: 'input',
          type: ['dtmf'],
          dtmf: { maxDigits: maxPinDigits, submitOnHash: true, timeOut: pinTimeoutSeconds },
          eventUrl: [url],
          eventMethod: 'POST',
        },
      ]),
    refuse: (text) => jsonAnswer([{ action: 'talk', text }]),
    finish: () => noContent,
    acknowledge: () => noContent,
  }),
};

interface Claims {
  readonly issuedAt: number;
  readonly expiresAt: number | null;
  readonly payloadHash: string;
}

/** The claims of a JWT signed with HS256, and no other algorithm; null where it is not genuine or claims too little. */
function readHs256(token: string, secret: string): Claims | null {
  const [head = '', body = '', signature = '', ...rest] = token.split('.');
  if (rest.length > 0 || token.length > 8192) return null;
  if (!isSame(hmac('sha256', secret, `${head}.${body}`, 'base64url'), signature.replace(/=+$/, '')))
    return null;
  const [header, claims] = [head, body].map(decode);
  if (header?.['alg'] !== 'HS256') return null;
  const issuedAt: unknown = claims?.['iat'];
  const expiresAt: unknown = claims?.['exp'];
  const payloadHash = shortText(claims?.['payload_hash']);
  if (typeof issuedAt !== 'number' || payloadHash === null) return null;
  return { issuedAt, expiresAt: typeof expiresAt === 'number' ? expiresAt : null, payloadHash };
}

function decode(part: string): Readonly<Record<string, unknown>> {
  try {
    return objectIn({ part: JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as unknown }, 'part');
  } catch {
    return {};
  }
}

/** Hashes of the body as it came; or of the query written as a JSON object, in its order. */
function payloadHashes({ rawBody, query, json }: HookRequest): string[] {
  const texts =
    rawBody.length > 0
      ? [rawBody, ...(json === null ? [] : [JSON.stringify(json)])]
      : [JSON.stringify(Object.fromEntries(query))];
  return texts.map((text) => createHash('sha256').update(text).digest('hex'));
}

function readVonage(request: HookRequest, place: HookPlace): HookMessage {
  const voiceCallId = textField(request, 'uuid');
  const call = {
    voiceCallId: voiceCallId ?? '',
    from: textField(request, 'from'),
    to: textField(request, 'to'),
    headers: prefixedFields(request.query, 'SipHeader_'),
  };
  const status = textField(request, 'status');
  switch (place) {
    case 'call':
      if (voiceCallId === null) return { kind: 'unreadable' };
      // An application may have one URL for answers and events alike.
      return status === null ? { kind: 'call', call } : { kind: 'other' };
    case 'pin':
      return voiceCallId === null
        ? { kind: 'unreadable' }
        : { kind: 'digits', call, digits: shortText(objectIn(request.json, 'dtmf')['digits']) ?? '' };
    case 'complete':
      return voiceCallId !== null && status !== null && ended.has(status)
        ? { kind: 'ended', voiceCallId, cause: status }
        : { kind: 'other' };
  }
}

const ended = new Set([
  ...['completed', 'busy', 'cancelled', 'disconnected', 'failed', 'rejected', 'timeout', 'unanswered'],
]);
