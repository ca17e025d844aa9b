import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IdentityField } from './identity-header.js';
import { readPassport, rebuildPassport, signingInputOf, type PassportContent } from './passport.js';

const x5u = 'https://cert.example.org/passport.cer';

/** RFC 8225, appendix A; its signature is by another key than the one printed beside it. */
const vector = {
  header:
    'eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9',
  claims:
    'eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19',
  signature: 'VLBCIVDCaeK6M4hLJb6SHQvacAQVvoiiEOWQ_iUkqk79UD81fHQ0E1b3_GluIkba7UWYRM47ZbNFdOJquE35cw',
};

const field = (fields: Partial<IdentityField>): IdentityField => ({
  ...{ header: vector.header, claims: vector.claims, signature: vector.signature },
  ...{ info: null, alg: null, ppt: null, ...fields },
});
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (text: string) => Buffer.from(text, 'base64url').toString();
const header = (fields: object) => encode({ alg: 'ES256', typ: 'passport', x5u, ...fields });
const claims = (fields: object) =>
  encode({ dest: { tn: ['12125551213'] }, iat: 1443208345, orig: { tn: '12155551212' }, ...fields });

describe('A PASSporT', () => {
  it('is that of RFC 8225, appendix A, octet for octet', () => {
    const passport = readPassport(field({ info: x5u, alg: 'ES256' }));
    if (typeof passport === 'string') throw new Error(passport);
    expect(passport).toMatchObject({
      ...{ kind: 'plain', x5u, issuedAtSeconds: 1471375418, attestation: null },
      origin: { numbers: ['12155551212'], uris: [] },
      destination: { numbers: [], uris: ['sip:alice@example.com'] },
    });
    expect(signingInputOf({ ...passport, kind: 'plain' })).toBe(`${vector.header}.${vector.claims}`);
    // The compact form of the same call, made anew from the request, is signed by the same octets.
    const { issuedAtSeconds, origin, destination } = passport;
    const compact = field({ header: '', claims: '', info: x5u });
    expect(rebuildPassport(compact, { issuedAtSeconds, origin, destination })).toEqual(passport);
  });

  it('is written with its keys in the order of their letters, and nothing between (RFC 8588 §6)', () => {
    const input = signingInputOf({
      ...{ kind: 'shaken', x5u, issuedAtSeconds: 1443208345, attestation: 'A' },
      originationId: '123e4567-e89b-12d3-a456-426655440000',
      origin: { numbers: ['12155551212'], uris: [] },
      destination: { numbers: ['12125551213'], uris: [] },
    });
    expect(input.split('.').map(decode)).toEqual([
      `{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"${x5u}"}`,
      '{"attest":"A","dest":{"tn":["12125551213"]},"iat":1443208345,"orig":{"tn":"12155551212"},"origid":"123e4567-e89b-12d3-a456-426655440000"}',
    ]);
  });

  it('names who sent the call on, in a diversion (RFC 8946 §4)', () => {
    const input = signingInputOf({
      ...{ kind: 'div', x5u, issuedAtSeconds: 1443208345, diverted: { numbers: ['12155551213'], uris: [] } },
      origin: { numbers: ['12155551212'], uris: [] },
      destination: { numbers: ['12155551214'], uris: [] },
    });
    expect(decode(input.split('.')[1] ?? '')).toBe(
      '{"dest":{"tn":["12155551214"]},"div":{"tn":"12155551213"},"iat":1443208345,"orig":{"tn":"12155551212"}}',
    );
  });

  it('with another algorithm is not looked at any further', () => {
    for (const alg of ['none', 'HS256', 'RS256', 'ES384', 'es256', '', null, undefined, ['ES256']])
      expect(readPassport(field({ header: header({ alg }) }))).toBe('unsupported-algorithm');
    expect(readPassport(field({ alg: 'none' }))).toBe('unsupported-algorithm');
  });

  it('of an extension that is not known says nothing', () => {
    expect(readPassport(field({ header: header({ ppt: 'rcd' }) }))).toBe('unsupported');
    expect(readPassport(field({ header: header({ ppt: 5 }) }))).toBe('malformed');
  });

  it('must say the same within as beside', () => {
    expect(readPassport(field({ info: 'https://evil.example/a.pem' }))).toBe('malformed');
    expect(readPassport(field({ ppt: 'shaken' }))).toBe('malformed');
  });

  it.each([
    ['padding', { header: `${vector.header}=` }],
    ['padding in the signature', { signature: `${vector.signature}==` }],
    ['letters of plain base64', { claims: `${vector.claims.slice(0, -1)}+` }],
    ['a signature that is too short', { signature: vector.signature.slice(0, -4) }],
    ['a signature that is too long', { signature: `${vector.signature}AAAA` }],
    ['bits behind the end', { signature: `${vector.signature.slice(0, -1)}x` }],
    ['no JSON', { claims: Buffer.from('{"iat":').toString('base64url') }],
    ['a list', { claims: encode([]) }],
    ['no UTF-8', { claims: Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url') }],
    ['a critical parameter', { header: header({ crit: ['b64'], b64: false }) }],
    ['another type', { header: header({ typ: 'JWT' }) }],
    ['no certificate', { header: header({ x5u: undefined }) }],
    ['a time that is text', { claims: claims({ iat: '1443208345' }) }],
    ['a broken time', { claims: claims({ iat: 1.5 }) }],
    ['a negative time', { claims: claims({ iat: -1 }) }],
    ['two callers', { claims: claims({ orig: { tn: '1', uri: 'sip:a@b' } }) }],
    ['callers in a list', { claims: claims({ orig: { tn: ['12155551212'] } }) }],
    ['nobody called', { claims: claims({ dest: {} }) }],
    ['nobody called, in a list', { claims: claims({ dest: { tn: [] } }) }],
    ['too many called', { claims: claims({ dest: { tn: Array.from({ length: 21 }, () => '1') } }) }],
    ['a number that is none', { claims: claims({ orig: { tn: 'anonymous' } }) }],
    ['a prototype for claims', { claims: Buffer.from('{"__proto__":{"iat":1}}').toString('base64url') }],
    ['no attestation', { header: header({ ppt: 'shaken' }), claims: claims({ origid: 'x' }) }],
    [
      'another attestation',
      { header: header({ ppt: 'shaken' }), claims: claims({ attest: 'D', origid: 'x' }) },
    ],
    ['no origin', { header: header({ ppt: 'shaken' }), claims: claims({ attest: 'A' }) }],
    ['a diversion from nobody', { header: header({ ppt: 'div' }), claims: claims({}) }],
  ])('with %s is malformed', (_what, fields) => {
    expect(readPassport(field(fields))).toBe('malformed');
  });

  it('reads as it was written', () => {
    const number = fc.stringMatching(/^[0-9*#]{1,20}$/);
    const parties = fc.array(number, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(number, parties, number, fc.nat(), (from, to, diverted, issuedAtSeconds) => {
        for (const kind of ['plain', 'shaken', 'div'] as const) {
          const content: PassportContent = {
            ...{ kind, x5u, issuedAtSeconds },
            ...{ origin: { numbers: [from], uris: [] }, destination: { numbers: to, uris: [] } },
            ...(kind === 'shaken' && { attestation: 'B', originationId: 'an-id' }),
            ...(kind === 'div' && { diverted: { numbers: [diverted], uris: [] } }),
          };
          const [head = '', body = ''] = signingInputOf(content).split('.');
          expect(readPassport(field({ header: head, claims: body }))).toMatchObject(content);
        }
      }),
    );
  });

  it('of any octets is read or refused, without an error', () => {
    const text = fc.oneof(
      fc.string(),
      fc.base64String(),
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    fc.assert(
      fc.property(text, text, text, (head, body, signature) => {
        readPassport(field({ header: head, claims: body, signature }));
        readPassport(field({ claims: body }));
      }),
    );
  });
});
