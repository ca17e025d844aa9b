import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseReason } from './reason-header.js';
import { byeHeaders, refusalResponse, unansweredStatus, unverifiedHeaders } from './refusal-response.js';

describe('the refusal of an INVITE', () => {
  it.each([
    ['token-missing', 403],
    ['token-invalid', 403],
    ['token-expired', 403],
    ['token-used', 403],
    ['participant-gone', 404],
    ['participant-occupied', 486],
    ['session-full', 486],
    ['no-common-codec', 488],
    ['bad-sdp', 400],
  ] as const)('as %s is a %i that says why and asks for no retry', (code, status) => {
    expect(refusalResponse(code, 7)).toEqual({
      status,
      headers: { Reason: `SIP;cause=${status};text="${code}"` },
    });
  });

  it.each([
    ['identity-required', 428, 428, 'Use Identity Header'],
    ['identity-stale', 403, 403, 'Stale Date'],
    ['identity-unreachable', 436, 436, 'Bad Identity Info'],
    ['identity-untrusted', 437, 437, 'Unsupported Credential'],
    ['identity-invalid', 438, 438, 'Invalid Identity Header'],
  ] as const)('as %s is a %i that says so to who has signed, too (RFC 9410)', (code, status, cause, text) => {
    expect(refusalResponse(code, 7)).toEqual({
      status,
      headers: {
        Reason: `SIP;cause=${status};text="${code}", STIR;cause=${cause};text="${text}"`,
      },
    });
  });

  it.each(['draining', 'overloaded', 'too-many-guesses'] as const)(
    'as %s is a 503 that says when to come back',
    (code) => {
      expect(refusalResponse(code, 7)).toEqual({
        status: 503,
        headers: { Reason: `SIP;cause=503;text="${code}"`, 'Retry-After': '7' },
      });
    },
  );
});

describe('the end of a call that was not answered', () => {
  it.each([
    ['participant-deleted', 404],
    ['session-deleted', 480],
    ['gateway-stopping', 503],
    ['media-lost', 503],
  ] as const)('because of %s is a %i', (reason, status) => {
    expect(unansweredStatus(reason)).toBe(status);
  });
});

describe('the Reason of our BYE', () => {
  it.each([
    ['participant-deleted', 16],
    ['no-session', 16],
    ['pin-refused', 21],
    ['media-timeout', 38],
    ['ice-failed', 38],
    ['media-lost', 41],
    ['gateway-stopping', 41],
  ] as const)('%s has Q.850 cause %i', (reason, cause) => {
    expect(byeHeaders({ endedBy: 'gateway', reason })).toEqual({
      Reason: `Q.850;cause=${cause};text="${reason}"`,
    });
  });
});

describe('the far end’s Reason', () => {
  it.each([
    ['Q.850;cause=16;text="Normal call clearing"', { q850Cause: 16, text: 'Normal call clearing' }],
    ['q.850 ; cause = 31', { q850Cause: 31 }],
    ['SIP;cause=200;text="Call completed elsewhere"', { text: 'Call completed elsewhere' }],
    ['SIP;cause=600;text="Busy", Q.850;cause=17;text="User busy"', { q850Cause: 17, text: 'Busy' }],
    ['Q.850;text="a;b";cause=16', { q850Cause: 16, text: 'a;b' }],
    ['SIP;cause=603', {}],
    ['', {}],
    [undefined, {}],
  ])('%s is read', (header, read) => {
    expect(parseReason(header)).toEqual(read);
  });

  it('is cut to 200 characters of text', () => {
    expect(parseReason(`Q.850;cause=16;text="${'x'.repeat(900)}"`).text).toHaveLength(200);
  });

  it('is read in no time and without an exception, whatever a stranger writes', () => {
    const begun = performance.now();
    for (const piece of ['Q.850;', 'text = "', 'cause', '\\"', 'Q.850 ']) parseReason(piece.repeat(100_000));
    expect(performance.now() - begun).toBeLessThan(1000);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseReason(text)));
  });
});

describe('A call that is let in', () => {
  const stir = (more: object) =>
    ({
      ...{
        verification: 'failed',
        attestation: null,
        originationId: null,
        by: 'gateway',
        reason: 'stale',
        ...more,
      },
    }) as Parameters<typeof unverifiedHeaders>[0];

  it.each([
    ['stale', 'STIR;cause=403;text="Stale Date"'],
    ['not-fetched', 'STIR;cause=436;text="Bad Identity Info"'],
    ['revoked-certificate', 'STIR;cause=437;text="Unsupported Credential"'],
    ['bad-signature', 'STIR;cause=438;text="Invalid Identity Header"'],
  ])('tells who has signed it that the signature is %s (RFC 9410)', (reason, told) => {
    expect(unverifiedHeaders(stir({ reason }))).toEqual({ Reason: told });
  });

  it.each([
    null,
    stir({ verification: 'passed', reason: null }),
    stir({ verification: 'none', reason: 'no-identity' }),
    stir({ reason: 'fault' }),
    stir({ by: 'carrier', reason: 'carrier-failed' }),
  ])('tells nothing of %j', (verdict) => {
    expect(unverifiedHeaders(verdict)).toEqual({});
  });
});
