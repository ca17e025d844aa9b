/**
 * Webhook requests as each platform sends them, recorded from its documentation, and signed by an independent hand: the vendor's own
 * package where there is one, Node's crypto else.
 */
import { createHash, createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { validateV3Signature } from 'plivo/dist/utils/v3Security.js';
import twilioSdk from 'twilio';

export interface PlatformRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PlatformCall {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** Further fields, as the platform names them. */
  readonly more?: Readonly<Record<string, string>>;
}

const formType = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
const jsonType = { 'content-type': 'application/json' };

/** Credentials as `/numbers` takes them, and the same platform's way to sign. */
export interface Platform {
  readonly credentials: Readonly<Record<string, string>>;
  /** The first request about a call. */
  call(url: string, call: PlatformCall, nowMs?: number): PlatformRequest;
  /** The caller keyed in digits. */
  digits(url: string, call: PlatformCall, digits: string, nowMs?: number): PlatformRequest;
  /** The transfer is over. */
  complete(url: string, call: PlatformCall, nowMs?: number): PlatformRequest;
}

function form(fields: Readonly<Record<string, string>>): string {
  return new URLSearchParams(fields).toString();
}

const twilioToken = '0123456789abcdef0123456789abcdef';
function twilioRequest(url: string, fields: Readonly<Record<string, string>>): PlatformRequest {
  const signature = twilioSdk.getExpectedTwilioSignature(twilioToken, url, fields);
  return {
    method: 'POST',
    url,
    headers: { ...formType, 'x-twilio-signature': signature },
    body: form(fields),
  };
}
function twilioFields({ id, from, to, more = {} }: PlatformCall): Record<string, string> {
  return {
    AccountSid: 'AC00000000000000000000000000000000',
    ApiVersion: '2010-04-01',
    CallSid: id,
    CallStatus: 'ringing',
    CallerName: '',
    Direction: 'inbound',
    From: from,
    To: to,
    'SipHeader_X-Origin': 'test',
    ...more,
  };
}

const signalwireKey = 'PSK_0123456789abcdef';
function signalwireRequest(url: string, value: unknown): PlatformRequest {
  const body = JSON.stringify(value);
  const signature = createHmac('sha256', signalwireKey)
    .update(url + body)
    .digest('hex');
  return { method: 'POST', url, headers: { ...jsonType, 'x-signalwire-sha256-signature': signature }, body };
}
function swmlCall({ id, from, to, more = {} }: PlatformCall) {
  const headers = Object.entries(more).map(([name, value]) => ({ name, value }));
  return {
    call_id: id,
    node_id: 'node',
    call_state: 'created',
    direction: 'inbound',
    type: 'phone',
    from,
    to,
    headers,
  };
}

const telnyxKeys = generateKeyPairSync('ed25519');
function rawPublicKey(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
}
function telnyxHeaders(body: string, nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signature = sign(null, Buffer.from(`${timestamp}|${body}`), telnyxKeys.privateKey).toString('base64');
  return { 'telnyx-timestamp': timestamp, 'telnyx-signature-ed25519': signature };
}
function telnyxForm(url: string, fields: Readonly<Record<string, string>>, nowMs: number): PlatformRequest {
  const body = form(fields);
  return { method: 'POST', url, headers: { ...formType, ...telnyxHeaders(body, nowMs) }, body };
}

/** A Call Control event. */
export function callControl(
  url: string,
  eventType: string,
  call: PlatformCall,
  payload: object = {},
  nowMs = Date.now(),
): PlatformRequest {
  const body = JSON.stringify({
    data: {
      event_type: eventType,
      id: createHash('sha256').update(`${eventType}${call.id}`).digest('hex').slice(0, 32),
      occurred_at: new Date(nowMs).toISOString(),
      payload: {
        call_control_id: call.id,
        call_leg_id: 'leg',
        direction: 'incoming',
        from: call.from,
        to: call.to,
        state: 'parked',
        ...payload,
      },
      record_type: 'event',
    },
    meta: { attempt: 1, delivered_to: url },
  });
  return { method: 'POST', url, headers: { ...jsonType, ...telnyxHeaders(body, nowMs) }, body };
}

const vonageSecret = 'a vonage signature secret of many characters';
function vonageHeaders(payload: string, nowMs: number): Record<string, string> {
  const payloadHash = createHash('sha256').update(payload).digest('hex');
  const iat = Math.floor(nowMs / 1000);
  const claims = { iat, jti: 'c0ffee', iss: 'Vonage', payload_hash: payloadHash, api_key: 'abcd1234' };
  return { authorization: `Bearer ${jwt.sign(claims, vonageSecret, { algorithm: 'HS256' })}` };
}
function vonagePost(url: string, value: unknown, nowMs: number): PlatformRequest {
  const body = JSON.stringify(value);
  return { method: 'POST', url, headers: { ...jsonType, ...vonageHeaders(body, nowMs) }, body };
}

const plivoToken = 'MzQ0MTBjZGYwNTIzNzhkZWM4';
function plivoRequest(url: string, fields: Readonly<Record<string, string>>): PlatformRequest {
  const nonce = '05429567804466091622';
  const sorted = Object.keys(fields)
    .sort()
    .map((name) => name + (fields[name] ?? ''))
    .join('');
  const [base = '', query = ''] = url.split('?');
  const text = `${base}?${query}${query === '' ? '' : '.'}${sorted}.${nonce}`;
  const signature = createHmac('sha256', plivoToken).update(text).digest('base64');
  const isAscii = Object.values(fields).every((value) => /^[\x00-\x7f]*$/.test(value));
  // Plivo's own package signs text beyond ASCII otherwise, and says nothing of it; ours is the straight way.
  if (isAscii && !validateV3Signature('POST', url, nonce, plivoToken, signature, { ...fields })) {
    throw new Error('Plivo’s package does not agree with the recorded way to sign');
  }
  return {
    method: 'POST',
    url,
    headers: { ...formType, 'x-plivo-signature-v3': signature, 'x-plivo-signature-v3-nonce': nonce },
    body: form(fields),
  };
}
function plivoFields({ id, from, to, more = {} }: PlatformCall): Record<string, string> {
  return {
    CallUUID: id,
    From: from.replace('+', ''),
    To: to.replace('+', ''),
    Direction: 'inbound',
    ...more,
  };
}

const jambonzSecret = 'wh_secret_0123456789';
function jambonzRequest(url: string, value: unknown, nowMs: number): PlatformRequest {
  const body = JSON.stringify(value);
  const timestamp = Math.floor(nowMs / 1000);
  const signature = createHmac('sha256', jambonzSecret).update(`${timestamp}.${body}`).digest('hex');
  const header = `t=${timestamp},v1=${'0'.repeat(64)},v1=${signature}`;
  return { method: 'POST', url, headers: { ...jsonType, 'jambonz-signature': header }, body };
}

const bandwidthUser = { username: 'voice-callbacks', password: 'ca11b4ck s:cret' };
function bandwidthRequest(url: string, value: unknown): PlatformRequest {
  const basic = Buffer.from(`${bandwidthUser.username}:${bandwidthUser.password}`).toString('base64');
  return {
    method: 'POST',
    url,
    headers: { ...jsonType, authorization: `Basic ${basic}` },
    body: JSON.stringify(value),
  };
}
function bandwidthEvent(eventType: string, { id, from, to, more = {} }: PlatformCall, fields: object = {}) {
  return {
    eventType,
    eventTime: '2026-11-20T12:00:00.000Z',
    accountId: '920012',
    applicationId: '04e88489-df02-4e34-a0ee-27a91849555f',
    from,
    to,
    direction: 'inbound',
    callId: id,
    callUrl: `https://voice.bandwidth.com/api/v2/accounts/920012/calls/${id}`,
    startTime: '2026-11-20T12:00:00.000Z',
    ...more,
    ...fields,
  };
}

export const platformRequests: Readonly<Record<string, Platform>> = {
  bandwidth: {
    credentials: bandwidthUser,
    call: (url, call) => bandwidthRequest(url, bandwidthEvent('initiate', call)),
    digits: (url, call, digits) =>
      bandwidthRequest(url, bandwidthEvent('gather', call, { digits, terminatingDigit: '#' })),
    complete: (url, call) =>
      bandwidthRequest(url, bandwidthEvent('transferComplete', call, { cause: 'hangup' })),
  },
  twilio: {
    credentials: { authToken: twilioToken },
    call: (url, call) => twilioRequest(url, twilioFields(call)),
    digits: (url, call, digits) => twilioRequest(url, { ...twilioFields(call), Digits: digits }),
    complete: (url, call) =>
      twilioRequest(url, { ...twilioFields(call), CallStatus: 'in-progress', DialCallStatus: 'completed' }),
  },
  signalwire: {
    credentials: { signingKey: signalwireKey },
    call: (url, call) => signalwireRequest(url, { call: swmlCall(call), vars: {}, params: {} }),
    digits: (url, call, digits) =>
      signalwireRequest(url, { call: swmlCall(call), vars: { prompt_value: digits }, params: { digits } }),
    complete: (url, call) =>
      signalwireRequest(url, { call: swmlCall(call), vars: { connect_result: 'disconnected' }, params: {} }),
  },
  telnyx: {
    credentials: { publicKey: rawPublicKey(telnyxKeys.publicKey), apiKey: 'KEY0123456789ABCDEF' },
    call: (url, call, nowMs = Date.now()) => telnyxForm(url, twilioFields(call), nowMs),
    digits: (url, call, digits, nowMs = Date.now()) =>
      telnyxForm(url, { ...twilioFields(call), Digits: digits }, nowMs),
    complete: (url, call, nowMs = Date.now()) =>
      telnyxForm(url, { ...twilioFields(call), DialCallStatus: 'completed' }, nowMs),
  },
  vonage: {
    credentials: { signatureSecret: vonageSecret },
    call(url, { id, from, to, more = {} }, nowMs = Date.now()) {
      const query = {
        to: to.replace('+', ''),
        from: from.replace('+', ''),
        conversation_uuid: `CON-${id}`,
        uuid: id,
        ...more,
      };
      const headers = vonageHeaders(JSON.stringify(query), nowMs);
      return { method: 'GET', url: `${url}?${form(query)}`, headers, body: '' };
    },
    digits: (url, { id, from, to }, digits, nowMs = Date.now()) =>
      vonagePost(
        url,
        { dtmf: { digits, timed_out: false }, from, to, uuid: id, conversation_uuid: `CON-${id}` },
        nowMs,
      ),
    complete: (url, { id, from, to }, nowMs = Date.now()) =>
      vonagePost(url, { status: 'completed', uuid: id, from, to, direction: 'outbound' }, nowMs),
  },
  plivo: {
    credentials: { authToken: plivoToken },
    call: (url, call) =>
      plivoRequest(url, { ...plivoFields(call), CallStatus: 'ringing', Event: 'StartApp' }),
    digits: (url, call, digits) =>
      plivoRequest(url, { ...plivoFields(call), Digits: digits, InputType: 'dtmf', Event: 'Redirect' }),
    complete: (url, call) => plivoRequest(url, { ...plivoFields(call), DialStatus: 'completed' }),
  },
  jambonz: {
    credentials: { secret: jambonzSecret },
    call: (url, { id, from, to, more = {} }, nowMs = Date.now()) =>
      jambonzRequest(
        url,
        {
          ...{ call_sid: id, account_sid: 'acc', application_sid: 'app', direction: 'inbound', from, to },
          ...{ call_status: 'trying', sip_status: 100, sip: { headers: { 'x-origin': 'test', ...more } } },
        },
        nowMs,
      ),
    digits: (url, { id, from, to }, digits, nowMs = Date.now()) =>
      jambonzRequest(url, { call_sid: id, from, to, reason: 'dtmfDetected', digits }, nowMs),
    complete: (url, { id, from, to }, nowMs = Date.now()) =>
      jambonzRequest(
        url,
        { call_sid: id, from, to, dial_call_status: 'completed', dial_sip_status: 200 },
        nowMs,
      ),
  },
};
