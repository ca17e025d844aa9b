/** Whether a platform's request is genuine: the vendors' own vectors, and what is done to them on the way. */
import { createHash, createHmac } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { validateV3Signature } from 'plivo/dist/utils/v3Security.js';
import { describe, expect, it } from 'vitest';
import { platformRequests, type PlatformRequest } from '../../test/support/platform-requests.js';
import type { Credentials, Verdict } from './dialect.js';
import { hookDialects } from './dialects.js';
import { readHookRequest } from './hook-request.js';

const now = Date.UTC(2026, 10, 20, 12);
const url = 'https://gw.example.com/hooks/x/0b9dbd12-5d9f-4e93-8a6f-3ffaa6b5d8a0';
const call = { id: 'call-1', from: '+15551112222', to: '+15553334444' };

function verdict(platform: string, request: PlatformRequest, changes: Credentials = {}, at = now): Verdict {
  const dialect = hookDialects.get(platform);
  if (dialect === undefined) throw new Error(platform);
  const credentials = { ...platformRequests[platform]?.credentials, ...changes };
  const parts = { ...request, rawBody: Buffer.from(request.body) };
  return dialect.verify(readHookRequest(parts), credentials, at);
}

function genuine(platform: string): PlatformRequest {
  const request = platformRequests[platform]?.call(url, call, now);
  if (request === undefined) throw new Error(platform);
  return request;
}

describe('The vendors’ vectors', () => {
  const form = 'application/x-www-form-urlencoded';

  it('of Twilio', () => {
    const fields = {
      ...{ CallSid: 'CA1234567890ABCDE', Caller: '+14158675309', Digits: '1234' },
      ...{ From: '+14158675309', To: '+18005551212' },
    };
    const request = {
      method: 'POST' as const,
      url: 'https://mycompany.com/myapp.php?foo=1&bar=2',
      headers: { 'content-type': form, 'x-twilio-signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=' },
      body: new URLSearchParams(fields).toString(),
    };
    expect(verdict('twilio', request, { authToken: '12345' })).toBe('genuine');
    const withPort = { ...request, url: 'https://mycompany.com:443/myapp.php?foo=1&bar=2' };
    expect(verdict('twilio', withPort, { authToken: '12345' })).toBe('genuine');
    const other = { ...request, url: 'https://mycompany.com:8443/other.php?foo=1&bar=2' };
    expect(verdict('twilio', other, { authToken: '12345' })).toBe('forged');
  });

  it('of Plivo', () => {
    const request = {
      method: 'POST' as const,
      url: 'https://app.example/answer/',
      headers: {
        'content-type': form,
        'x-plivo-signature-v3': 'AAAA,68Rb+k3dSVah/WVkNUa1zTXzmNw3Ar9GuhLRe1MKjcU=',
        'x-plivo-signature-v3-nonce': '05429567804466091622',
      },
      body: 'CallUUID=97ceeb52&From=15551112222&To=15553334444',
    };
    expect(verdict('plivo', request, { authToken: 'AUTH' })).toBe('genuine');
    const { 'x-plivo-signature-v3-nonce': _, ...withoutNonce } = request.headers;
    expect(verdict('plivo', { ...request, headers: withoutNonce }, { authToken: 'AUTH' })).toBe('forged');
  });
});

describe.each([...hookDialects.keys()])('A request of %s', (platform) => {
  const request = genuine(platform);

  it('is genuine as it was sent', () => {
    expect(verdict(platform, request)).toBe('genuine');
  });

  it('is forged with another secret, without its proof, and with a changed one', () => {
    const others = Object.fromEntries(
      Object.entries(platformRequests[platform]?.credentials ?? {}).map(([name, value]) => [
        name,
        name === 'publicKey' ? Buffer.alloc(32, 7).toString('base64') : `${value}x`,
      ]),
    );
    expect(verdict(platform, request, others)).toBe('forged');
    for (const [name, value] of Object.entries(request.headers)) {
      if (name === 'content-type') continue;
      expect(verdict(platform, { ...request, headers: { ...request.headers, [name]: '' } })).toBe('forged');
      const changed = value.replaceAll(/[A-Za-z0-9]/g, (one) =>
        /\d/.test(one) ? String((Number(one) + 1) % 10) : one === 'A' ? 'B' : 'A',
      );
      expect(verdict(platform, { ...request, headers: { ...request.headers, [name]: changed } })).toBe(
        'forged',
      );
    }
  });

  // Bandwidth’s proof is a password; it covers nothing else.
  if (platform !== 'bandwidth')
    it('is forged where a field was changed on the way', () => {
      const changed = { ...request, body: request.body.replace('15551112222', '15551112223') };
      const inUrl = { ...request, url: request.url.replace('15551112222', '15551112223') };
      expect(verdict(platform, request.body === '' ? inUrl : changed)).toBe('forged');
    });

  // The others’ proofs bear no time.
  if (['telnyx', 'vonage', 'jambonz'].includes(platform))
    it('is stale after five minutes', () => {
      expect(verdict(platform, request, {}, now + 300_000)).toBe('genuine');
      expect(verdict(platform, request, {}, now + 301_000)).toBe('stale');
      expect(verdict(platform, request, {}, now - 301_000)).toBe('stale');
    });
});

describe('Twilio', () => {
  it('proves a JSON body by its hash in the signed query', () => {
    const body = '{"CallSid":"CA1"}';
    const hash = createHash('sha256').update(body).digest('hex');
    const signed = `${url}?bodySHA256=${hash}`;
    const signature = createHmac('sha1', 'token').update(signed).digest('base64');
    const headers = { 'content-type': 'application/json', 'x-twilio-signature': signature };
    const request = { method: 'POST' as const, url: signed, headers, body };
    expect(verdict('twilio', request, { authToken: 'token' })).toBe('genuine');
    expect(verdict('twilio', { ...request, body: '{"CallSid":"CA2"}' }, { authToken: 'token' })).toBe(
      'forged',
    );
  });

  it('signs each of several values of one name', () => {
    const signature = createHmac('sha1', 'token').update(`${url}MediaUrl1MediaUrl2`).digest('base64');
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature };
    const request = { method: 'POST' as const, url, headers, body: 'MediaUrl=2&MediaUrl=1&MediaUrl=2' };
    expect(verdict('twilio', request, { authToken: 'token' })).toBe('genuine');
  });
});

describe('Plivo', () => {
  it.each([
    ['GET', `${url}?b=2&a=1`, ''],
    ['GET', url, ''],
    ['POST', `${url}?b=2&a=1`, 'From=1&To=2'],
    ['POST', url, ''],
  ] as const)('signs a %s of %s with %s as its own package does', (method, address, body) => {
    const nonce = '1';
    const fields = Object.fromEntries(new URLSearchParams(body));
    const candidates = [
      address.replace('b=2&a=1', 'a=1&b=2') +
        (body === '' ? '' : `${address.includes('?') ? '.' : '?'}From1To2`),
    ];
    const signature = createHmac('sha256', 'token').update(`${candidates[0]}.${nonce}`).digest('base64');
    expect(validateV3Signature(method, address, nonce, 'token', signature, fields)).toBe(true);
    const headers = {
      ...{ 'content-type': 'application/x-www-form-urlencoded' },
      ...{ 'x-plivo-signature-v3': signature, 'x-plivo-signature-v3-nonce': nonce },
    };
    expect(verdict('plivo', { method, url: address, headers, body }, { authToken: 'token' })).toBe('genuine');
  });
});

describe('Vonage', () => {
  const secret = 'a secret of Vonage’s making';
  function bearer(claims: object, algorithm: 'HS256' | 'HS384' = 'HS256', key = secret): PlatformRequest {
    const token = jwt.sign(claims, key, { algorithm, noTimestamp: !('iat' in claims) });
    return { method: 'GET', url: `${url}?uuid=1`, headers: { authorization: `Bearer ${token}` }, body: '' };
  }
  const payloadHash = createHash('sha256').update('{"uuid":"1"}').digest('hex');
  const iat = now / 1000;

  it('is believed with HS256 alone, a recent time, and the hash of what was sent', () => {
    const check = (request: PlatformRequest) => verdict('vonage', request, { signatureSecret: secret });
    expect(check(bearer({ iat, payload_hash: payloadHash }))).toBe('genuine');
    expect(check(bearer({ iat, payload_hash: payloadHash, exp: iat - 1 }))).toBe('stale');
    expect(check(bearer({ iat, payload_hash: payloadHash }, 'HS384'))).toBe('forged');
    expect(check(bearer({ iat }))).toBe('forged');
    expect(check(bearer({ payload_hash: payloadHash }))).toBe('forged');
    expect(check(bearer({ iat, payload_hash: '0'.repeat(64) }))).toBe('forged');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const claims = Buffer.from(JSON.stringify({ iat, payload_hash: payloadHash })).toString('base64url');
    for (const token of [`${none}.${claims}.`, `${none}.${claims}`, '..', 'x', '']) {
      const request = { ...bearer({}), headers: { authorization: `Bearer ${token}` } };
      expect(check(request)).toBe('forged');
    }
  });
});

describe('SignalWire', () => {
  it.each([
    ['x-signalwire-signature', 'sha1', 'hex'],
    ['x-signalwire-sha256-signature', 'sha256', 'hex'],
  ] as const)('is believed by %s over a JSON body', (header, algorithm, encoding) => {
    const body = '{"call":{"call_id":"1"}}';
    const signature = createHmac(algorithm, 'key')
      .update(url + body)
      .digest(encoding);
    const headers = { 'content-type': 'application/json', [header]: signature };
    expect(verdict('signalwire', { method: 'POST', url, headers, body }, { signingKey: 'key' })).toBe(
      'genuine',
    );
  });

  it('is believed by Twilio’s header over a form', () => {
    const signature = createHmac('sha1', 'key').update(`${url}CallSid1`).digest('base64');
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'x-twilio-signature': signature,
    };
    const request = { method: 'POST' as const, url, headers, body: 'CallSid=1' };
    expect(verdict('signalwire', request, { signingKey: 'key' })).toBe('genuine');
  });
});
