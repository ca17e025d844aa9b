import { createHmac, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { ApiController } from '@bandwidth/webrtc';
import fc from 'fast-check';
import jwt from 'jsonwebtoken';
import { describe, expect, it } from 'vitest';
import { JwtTokenCodec } from './jwt-token-codec.js';

const secret = 'a secret of more than thirty-two bytes';
const previousSecret = 'the secret before it, equally long as this';
const codec = new JwtTokenCodec({ secret });
const participantId = randomUUID();
const now = 1_800_000_000_000;
const inAnHour = now + 3_600_000;
const exp = inAnHour / 1000;
const invalid = { result: 'invalid' };

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A token whose signature is right, whatever its header and claims say. */
function forge(header: unknown, claims: unknown, key = secret): string {
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}
const header = { alg: 'HS256', typ: 'JWT' };
const claims = { p: participantId, v: 'v3', exp };

describe('A signed token', () => {
  it('has the header {"alg":"HS256","typ":"JWT"} and the claims p, v and exp alone', () => {
    const [head, body] = codec
      .sign(participantId, inAnHour)
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString());
    expect(head).toBe('{"alg":"HS256","typ":"JWT"}');
    expect(JSON.parse(body ?? '')).toEqual(claims);
  });

  it('names its participant to whoever has the secret', () => {
    expect(codec.verify(codec.sign(participantId, inAnHour), now)).toEqual({
      result: 'valid',
      participantId,
    });
  });

  it('fits into the 256 characters of Bandwidth’s uui beside a 40-hex voice call id', () => {
    const callId = 'c-95ac8d6e-1a31c52e-b38f-4198-93c1-51633ec68f8d';
    const bxml = ApiController.generateTransferBxml(
      codec.sign(participantId, inAnHour),
      callId,
      'sip:bridge@127.0.0.1:5060',
    );
    const uui = /uui="([^"]*)"/.exec(bxml)?.[1] ?? '';
    expect(uui).toMatch(/^[0-9a-f]{40};encoding=base64,[\w-]+\.[\w-]+\.[\w-]+;encoding=jwt$/);
    expect(uui.length).toBeLessThanOrEqual(256);
  });

  it('is accepted under the previous secret after a rotation, and no longer once that is dropped', () => {
    const old = new JwtTokenCodec({ secret: previousSecret }).sign(participantId, inAnHour);
    expect(new JwtTokenCodec({ secret, previousSecret }).verify(old, now)).toEqual({
      result: 'valid',
      participantId,
    });
    expect(codec.verify(old, now)).toEqual(invalid);
    const rotated = new JwtTokenCodec({ secret, previousSecret }).sign(participantId, inAnHour);
    expect(codec.verify(rotated, now)).toEqual({ result: 'valid', participantId });
  });

  it('expires 30 s after its time, to allow for clocks that differ', () => {
    const token = codec.sign(participantId, inAnHour);
    expect(codec.verify(token, inAnHour + 29_999)).toEqual({ result: 'valid', participantId });
    expect(codec.verify(token, inAnHour + 30_000)).toEqual({ result: 'expired', participantId });
    const old = new JwtTokenCodec({ secret: previousSecret }).sign(participantId, inAnHour);
    expect(new JwtTokenCodec({ secret, previousSecret }).verify(old, inAnHour + 60_000)).toEqual({
      result: 'expired',
      participantId,
    });
  });

  it('that has expired is no token of ours where its claims are not', () => {
    const expired = { ...claims, exp: 1 };
    expect(codec.verify(forge(header, expired, secret), now)).toEqual({ result: 'expired', participantId });
    for (const wrong of [{ p: 'x' }, { v: 'v2' }, { p: undefined }])
      expect(codec.verify(forge(header, { ...expired, ...wrong }, secret), now)).toEqual(invalid);
  });

  it('is refused as invalid, not as expired, where its signature is wrong too', () => {
    expect(codec.verify(forge(header, { ...claims, exp: 1 }, previousSecret), now)).toEqual(invalid);
  });
});

describe('A token is invalid', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const [head = '', body = '', signature = ''] = codec.sign(participantId, inAnHour).split('.');

  it.each([
    ['empty', ''],
    ['no JWT', 'hello'],
    ['two parts', `${head}.${body}`],
    ['four parts', `${head}.${body}.${signature}.x`],
    ['no signature', `${head}.${body}.`],
    ['a signature cut short', `${head}.${body}.${signature.slice(0, -1)}`],
    ['claims changed', `${head}.${base64url({ ...claims, p: randomUUID() })}.${signature}`],
    ['a blank in front', ` ${head}.${body}.${signature}`],
    ['a line end behind', `${head}.${body}.${signature}\n`],
    ['algorithm none', `${base64url({ alg: 'none', typ: 'JWT' })}.${body}.`],
    ['algorithm none with a signature', forge({ alg: 'none', typ: 'JWT' }, claims)],
    ['algorithm NoNe', forge({ alg: 'NoNe', typ: 'JWT' }, claims)],
    ['HS512', jwt.sign(claims, secret, { algorithm: 'HS512' })],
    ['RS256', jwt.sign(claims, privateKey, { algorithm: 'RS256' })],
    ['signed with a public key as if it were a secret', forge(header, claims, pem)],
    ['a kid', forge({ ...header, kid: '/dev/null' }, claims)],
    ['a kid and the empty secret', forge({ ...header, kid: '../../dev/null' }, claims, '')],
    ['a jwk of its own', forge({ ...header, jwk: { kty: 'oct', k: 'AAAA' } }, claims)],
    ['critical extensions', forge({ ...header, crit: ['exp'] }, claims)],
    ['no expiry', forge(header, { p: participantId, v: 'v3' })],
    ['an expiry that is a string', forge(header, { ...claims, exp: String(exp) })],
    ['no participant', forge(header, { v: 'v3', exp })],
    ['a participant that is no UUID', forge(header, { ...claims, p: "' OR 1=1" })],
    ['a participant that is an object', forge(header, { ...claims, p: {} })],
    ['another version', forge(header, { ...claims, v: 'v2' })],
    ['claims that are no object', forge(header, 'v3')],
    ['claims that are null', forge(header, null)],
    ['not yet valid', forge(header, { ...claims, nbf: now / 1000 + 31 })],
    ['more than 1 kB', forge(header, { ...claims, padding: 'x'.repeat(1024) })],
    ['a megabyte', `${head}.${'A'.repeat(1_000_000)}.${signature}`],
  ])('with %s', (_, token) => {
    expect(codec.verify(token, now)).toEqual(invalid);
  });

  it('whatever the text, and verification never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `${head}.${text}.${signature}`),
        ),
        (text) => {
          expect(codec.verify(text, now)).toEqual(invalid);
        },
      ),
    );
  });
});

it('A secret of less than 32 bytes is refused', () => {
  expect(() => new JwtTokenCodec({ secret: randomBytes(15).toString('hex') })).toThrow(RangeError);
  expect(() => new JwtTokenCodec({ secret, previousSecret: 'short' })).toThrow(RangeError);
});

it('refuses a token that it has taken before, once that has expired', () => {
  const token = codec.sign(participantId, inAnHour);
  expect(codec.verify(token, now).result).toBe('valid');
  expect(codec.verify(token, inAnHour + 29_000).result).toBe('valid');
  expect(codec.verify(token, inAnHour + 30_000)).toEqual({ result: 'expired', participantId });
  expect(codec.verify(`${token}A`, now)).toEqual({ result: 'invalid' });
});
