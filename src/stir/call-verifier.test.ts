import { createPrivateKey } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { issueStir, stirChain, type StirSubject } from '../../test/support/stir-authority.js';
import { CallSigner } from './call-signer.js';
import {
  CallVerifier,
  type CallToVerify,
  type CertificateProblem,
  type CertificateSource,
} from './call-verifier.js';
import { readChain } from './certificate.js';
import { signEs256 } from './es256.js';
import { formatIdentity } from './identity-header.js';
import { signingInputOf, type PassportContent } from './passport.js';
import { TrustAnchors } from './trust-anchors.js';

const x5u = 'https://cert.example.org/passport.pem';
const caller = '+12155551212';
const called = '+12125551213';
const third = '+12125559999';
const originationId = '123e4567-e89b-12d3-a456-426655440000';
const limits = {
  ...{ maxAgeMs: 60_000, maxAheadMs: 30_000, maxIdentities: 6, timeoutMs: 2000 },
  ...{ maxCertificates: 3, maxUsedSignatures: 100 },
};

let chain: Awaited<ReturnType<typeof stirChain>>;
let signer: CallSigner;

beforeAll(async () => {
  chain = await stirChain();
  signer = new CallSigner(chain.keyPem, x5u);
});

interface Stage {
  readonly verifier: CallVerifier;
  readonly clock: ManualClock;
  /** URLs that were asked for. */
  readonly asked: string[];
}

function stage(
  source: CertificateSource['certificatesAt'] | Record<string, string> = { [x5u]: chain.chainPem },
): Stage {
  // Chains hold today; Identities bear whole seconds.
  const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
  const asked: string[] = [];
  const anchors = TrustAnchors.read(chain.root.certPem);
  const certificatesAt: CertificateSource['certificatesAt'] = (url, requester) => {
    asked.push(url);
    if (typeof source === 'function') return source(url, requester);
    const pem = source[url];
    return Promise.resolve(pem === undefined ? 'not-fetched' : readChain(pem, 5));
  };
  return {
    clock,
    asked,
    verifier: new CallVerifier({ certificates: { certificatesAt }, anchors: () => anchors, clock, limits }),
  };
}

const call = (identity: string | null, fields: Partial<CallToVerify> = {}): CallToVerify => ({
  ...{
    identity,
    caller: [caller],
    called: [called],
    date: null,
    requester: 'account',
    callId: 'c1',
    ...fields,
  },
});

const signed = (clock: ManualClock, fields: Partial<Parameters<CallSigner['sign']>[0]> = {}) =>
  signer.sign({ caller, called, attestation: 'A', originationId, nowMs: clock.now(), ...fields });

/** An Identity with content that `CallSigner` would not write. */
function odd(content: Partial<PassportContent>, clock: ManualClock, keyPem = chain.keyPem): string {
  const input = signingInputOf({
    ...{
      kind: 'shaken',
      x5u,
      issuedAtSeconds: Math.floor(clock.now() / 1000),
      attestation: 'A',
      originationId,
    },
    ...{
      origin: { numbers: ['12155551212'], uris: [] },
      destination: { numbers: ['12125551213'], uris: [] },
    },
    ...content,
  });
  const signature = signEs256(createPrivateKey(keyPem), input).toString('base64url');
  return formatIdentity(
    `${input}.${signature}`,
    content.x5u ?? x5u,
    content.kind === undefined ? 'shaken' : content.kind === 'plain' ? null : content.kind,
  );
}

describe('A call', () => {
  it('that its caller’s provider signed is verified, with what that attests', async () => {
    for (const attestation of ['A', 'B', 'C'] as const) {
      const { verifier, clock } = stage();
      expect(await verifier.verify(call(signed(clock, { attestation })))).toEqual({
        ...{ verification: 'passed', attestation, originationId, reason: null },
      });
    }
  });

  it('without Identity, or with one of an extension that is not known, is not verified, and not wrong', async () => {
    const { verifier } = stage();
    const nothing = { verification: 'none', attestation: null, originationId: null, reason: 'no-identity' };
    expect(await verifier.verify(call(null))).toEqual(nothing);
    expect(await verifier.verify(call(''))).toEqual(nothing);
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', ppt: 'rcd', typ: 'passport', x5u })).toString(
      'base64url',
    );
    expect(await verifier.verify(call(`${header}.e30.AAAA;info=<${x5u}>;ppt=rcd`))).toEqual(nothing);
  });

  it('is the same however its numbers are written', async () => {
    const { verifier, clock } = stage();
    const fields = { caller: ['+1 (215) 555-1212'], called: ['2125551213', '1-212-555-1213'] };
    expect(await verifier.verify(call(signed(clock), fields))).toMatchObject({ verification: 'passed' });
    const plus = odd({ origin: { numbers: ['12155551212'], uris: [] } }, clock);
    expect(await verifier.verify(call(plus))).toMatchObject({ verification: 'passed' });
  });

  it('of another caller, or to somebody else, is not that which was signed, and nothing is fetched for it', async () => {
    const { verifier, clock, asked } = stage();
    const identity = signed(clock);
    const failed = async (fields: Partial<CallToVerify>) =>
      (await verifier.verify(call(identity, fields))).reason;
    expect(await failed({ caller: [third] })).toBe('caller-mismatch');
    expect(await failed({ caller: [] })).toBe('caller-mismatch');
    expect(await failed({ caller: ['anonymous', 'sip:anonymous@anonymous.invalid'] })).toBe(
      'caller-mismatch',
    );
    expect(await failed({ called: [third] })).toBe('called-mismatch');
    expect(await failed({ called: [] })).toBe('called-mismatch');
    expect(asked).toEqual([]);
  });

  it('is verified while its Identity is fresh, and its clock not far ahead', async () => {
    const { verifier, clock, asked } = stage();
    const reasonAt = async (ageSeconds: number) =>
      (await verifier.verify(call(signed(clock, { nowMs: clock.now() - ageSeconds * 1000 })))).reason;
    clock.advance(500);
    expect(await reasonAt(59)).toBeNull();
    expect(await reasonAt(-29)).toBeNull();
    const before = asked.length;
    expect(await reasonAt(61)).toBe('stale');
    expect(await reasonAt(-31)).toBe('stale');
    expect(await reasonAt(-1e9)).toBe('stale');
    expect(asked).toHaveLength(before);
  });

  it('whose certificate cannot be had, or is nobody’s, says why', async () => {
    for (const problem of [
      'url-not-allowed',
      'not-fetched',
      'fetch-limit',
      'unsuitable-certificate',
    ] satisfies CertificateProblem[]) {
      const { verifier, clock } = stage(() => Promise.resolve(problem));
      expect(await verifier.verify(call(signed(clock)))).toMatchObject({
        verification: 'failed',
        reason: problem,
      });
    }
    const stranger = await stirChain();
    const { verifier, clock } = stage({ [x5u]: stranger.chainPem });
    expect((await verifier.verify(call(signed(clock)))).reason).toBe('untrusted-certificate');
  });

  it('signed with another key, or changed, has a bad signature', async () => {
    const { verifier, clock } = stage();
    const stranger = await issueStir();
    expect((await verifier.verify(call(odd({}, clock, stranger.keyPem)))).reason).toBe('bad-signature');
    const [head = '', , ...rest] = signed(clock, { attestation: 'C' }).split('.');
    const better = signed(clock, { attestation: 'A' }).split('.')[1] ?? '';
    expect((await verifier.verify(call([head, better, ...rest].join('.')))).reason).toBe('bad-signature');
  });

  it('is vouched for by whoever may speak for its number', async () => {
    const verdictOf = async (subject: StirSubject) => {
      const leaf = await issueStir({ issuer: chain.middle, ...subject });
      const { verifier, clock } = stage({ [x5u]: leaf.certPem + chain.middle.certPem });
      return (await verifier.verify(call(odd({ kind: 'plain' }, clock, leaf.keyPem)))).reason;
    };
    expect(await verdictOf({ numbers: ['12155551212'] })).toBeNull();
    expect(await verdictOf({ numbers: ['12155551299'] })).toBe('number-not-covered');
  });

  it('of a name is vouched for by a provider alone, and not by whoever has a number', async () => {
    const alice = { numbers: [], uris: ['sip:alice@example.com'] };
    const reasonOf = async (subject: StirSubject, content: Partial<PassportContent>, number = called) => {
      const leaf = await issueStir({ issuer: chain.middle, ...subject });
      const { verifier, clock } = stage({ [x5u]: leaf.certPem + chain.middle.certPem });
      const identities = odd({ kind: 'plain', origin: alice, ...content }, clock, leaf.keyPem);
      const fields = { caller: ['sip:alice@example.com'], called: [number] };
      return (await verifier.verify(call(identities, fields))).reason;
    };
    expect(await reasonOf({}, {})).toBeNull();
    expect(await reasonOf({ numbers: ['12155551212'] }, {})).toBe('number-not-covered');
    expect(await reasonOf({}, { kind: 'shaken' })).toBe('malformed');
    // The same of a name that a call was sent on from.
    const delegate = await issueStir({ issuer: chain.middle, numbers: ['12155551212'] });
    const their = 'https://cert.example.org/delegate.pem';
    const { verifier, clock } = stage({
      [x5u]: chain.chainPem,
      [their]: delegate.certPem + chain.middle.certPem,
    });
    const bob = { numbers: [], uris: ['sip:bob@example.org'] };
    const first = odd({ destination: bob }, clock);
    const diversion = {
      ...{ kind: 'div' as const, diverted: bob, attestation: null, originationId: null },
    };
    expect(
      (
        await verifier.verify(
          call([first, odd({ ...diversion, x5u: their }, clock, delegate.keyPem)].join(',')),
        )
      ).reason,
    ).toBe('number-not-covered');
    expect((await verifier.verify(call([first, odd(diversion, clock)].join(',')))).reason).toBeNull();
  });

  it('is attested by a provider alone: whoever was given numbers vouches for them without', async () => {
    const delegate = await issueStir({ issuer: chain.middle, numbers: ['12155551212'] });
    const { verifier, clock } = stage({ [x5u]: delegate.certPem + chain.middle.certPem });
    const reasonOf = async (kind: 'plain' | 'shaken') =>
      (await verifier.verify(call(odd({ kind }, clock, delegate.keyPem)))).reason;
    expect(await reasonOf('shaken')).toBe('unsuitable-certificate');
    expect(await reasonOf('plain')).toBeNull();
  });

  it('with a bad Identity beside a good one is verified, in either order, by the strongest that is good', async () => {
    const { verifier, clock } = stage();
    const stranger = await issueStir();
    const [good, weak] = [signed(clock, { attestation: 'B' }), signed(clock, { attestation: 'C' })];
    const bad = [odd({}, clock, stranger.keyPem), signed(clock, { called: third }), 'rubbish'];
    for (const identity of [
      [...bad, weak, good],
      [good, weak, ...bad],
    ])
      expect(await verifier.verify(call(identity.join(',')))).toMatchObject({
        verification: 'passed',
        attestation: 'B',
      });
    expect(await verifier.verify(call(bad.join(',')))).toMatchObject({
      verification: 'failed',
      attestation: null,
    });
  });

  it('looks at no more Identity headers than it may', async () => {
    const { verifier, clock, asked } = stage(() => Promise.resolve('not-fetched'));
    const many = Array.from({ length: 50 }, (_, index) => odd({ x5u: `https://h/${String(index)}` }, clock));
    expect((await verifier.verify(call(many.join(',')))).reason).toBe('not-fetched');
    expect(asked).toHaveLength(limits.maxCertificates);
    const same = [...many.slice(0, 5), signed(clock)].join(',');
    expect((await stage().verifier.verify(call(same))).reason).toBe('not-fetched');
    const short = [...many.slice(0, 2), signed(clock)].join(',');
    expect((await stage().verifier.verify(call(short))).reason).toBeNull();
  });

  it('has nothing more fetched for it once it has its verdict, or is over', async () => {
    const waiting: ((problem: CertificateProblem) => void)[] = [];
    const silent = () => new Promise<CertificateProblem>((resolve) => waiting.push(resolve));
    for (const end of ['timeout', 'hang-up']) {
      const { verifier, clock, asked } = stage(silent);
      const many = [1, 2, 3].map((index) => odd({ x5u: `https://h/${String(index)}` }, clock)).join(',');
      const over = new AbortController();
      const verdict = verifier.verify(call(many, { signal: over.signal }));
      if (end === 'timeout') clock.advance(limits.timeoutMs);
      else over.abort();
      expect((await verdict).reason).toBe('timeout');
      expect(clock.pending).toBe(0);
      for (let turn = 0; turn < 3; turn += 1) {
        for (const resolve of waiting.splice(0)) resolve('not-fetched');
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(asked).toEqual(['https://h/1']);
      expect((await verifier.verify(call(many, { signal: AbortSignal.abort() }))).reason).toBe('timeout');
      expect(asked).toHaveLength(1);
    }
  });

  it('is the only one that its signature lets in, in whatever form that is shown again', async () => {
    const { verifier, clock } = stage();
    const identity = signed(clock);
    const reasonFor = async (callId: string, shown = identity) =>
      (await verifier.verify(call(shown, { callId }))).reason;
    expect(await reasonFor('first')).toBeNull();
    expect(await reasonFor('first')).toBeNull();
    expect(await reasonFor('second')).toBe('stale');
    const [, token = ''] = /^[^.]+\.[^.]+\.([^;]+)/.exec(identity) ?? [];
    const octets = Buffer.from(token, 'base64url');
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const negated = (order - BigInt(`0x${octets.toString('hex', 32)}`)).toString(16).padStart(64, '0');
    const other = Buffer.concat([octets.subarray(0, 32), Buffer.from(negated, 'hex')]).toString('base64url');
    expect(await reasonFor('first', identity.replace(token, other))).toBeNull();
    expect(await reasonFor('second', identity.replace(token, other))).toBe('stale');
    expect(await reasonFor('second', signed(clock))).toBeNull();
    // One that was found bad is nobody's.
    expect(await reasonFor('third', signed(clock, { called: third }))).toBe('called-mismatch');
  });

  it('is verified by numbers alone, or by names', async () => {
    const { verifier, clock } = stage();
    const identity = odd(
      {
        ...{ kind: 'plain', origin: { numbers: [], uris: ['sip:alice@example.com'] } },
        destination: { numbers: [], uris: ['sip:bob@example.org'] },
      },
      clock,
    );
    const fields = { caller: ['sip:alice@EXAMPLE.com;user=phone'], called: ['sip:bob@example.org:5060'] };
    expect(await verifier.verify(call(identity, fields))).toMatchObject({
      verification: 'passed',
      attestation: null,
    });
    expect((await verifier.verify(call(identity))).reason).toBe('caller-mismatch');
  });

  it('is verified in the compact form, by its Date and its numbers', async () => {
    const { verifier, clock } = stage();
    const full = odd({ kind: 'plain' }, clock);
    const compact = full.replace(/^[^.]+\.[^.]+/, '.');
    const date = new Date(clock.now()).toUTCString();
    const fields = { date, caller: ['2155551212', caller] };
    expect(compact.startsWith('..')).toBe(true);
    expect((await verifier.verify(call(compact, fields))).reason).toBeNull();
    expect((await verifier.verify(call(compact, { ...fields, date: null }))).reason).toBe('malformed');
    expect(
      (await verifier.verify(call(compact, { ...fields, date: new Date(clock.now() - 3e6).toUTCString() })))
        .reason,
    ).toBe('stale');
    expect((await verifier.verify(call(`${compact};ppt=shaken`, fields))).reason).toBe('malformed');
  });

  it('in the compact form, of nobody or to nobody, shows a signature that is not its own', async () => {
    const { verifier, clock } = stage();
    const compact = odd({ kind: 'plain' }, clock).replace(/^[^.]+\.[^.]+/, '.');
    const date = new Date(clock.now()).toUTCString();
    const failed = async (fields: Partial<CallToVerify>, identity = compact) => {
      const { verification, reason } = await verifier.verify(call(identity, { date, ...fields }));
      return [verification, reason];
    };
    expect(await failed({ caller: [] })).toEqual(['failed', 'caller-mismatch']);
    expect(await failed({ called: [] })).toEqual(['failed', 'called-mismatch']);
    expect(await failed({ caller: [] }, `${compact};ppt=rcd`)).toEqual(['none', 'no-identity']);
  });

  it('is not verified, and nothing is fetched for it, where there is no list of authorities', async () => {
    const { clock, asked } = stage();
    const certificatesAt = (url: string) => {
      asked.push(url);
      return Promise.resolve('not-fetched' as const);
    };
    const anchors = () => new TrustAnchors();
    const verifier = new CallVerifier({ certificates: { certificatesAt }, anchors, clock, limits });
    expect((await verifier.verify(call(signed(clock)))).reason).toBe('untrusted-certificate');
    expect(asked).toEqual([]);
  });

  it('is given up in time, whatever the certificate’s server does', async () => {
    const { verifier, clock } = stage(() => new Promise(() => undefined));
    const verdict = verifier.verify(call(signed(clock)));
    clock.advance(limits.timeoutMs);
    expect(await verdict).toEqual({
      verification: 'failed',
      attestation: null,
      originationId: null,
      reason: 'timeout',
    });
  });

  it('is not refused by a fault of the verifier’s own: it is told', async () => {
    const { verifier, clock } = stage(() => Promise.reject(new Error('a fault')));
    expect((await verifier.verify(call(signed(clock)))).reason).toBe('fault');
  });
});

describe('An Identity that was changed', () => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=;,"<>%~ ';

  it('in any letter of what is signed, or of the signature, vouches for nobody', async () => {
    const { verifier, clock } = stage();
    const good = signed(clock);
    const end = good.indexOf(';');
    const letter = fc.constantFrom(...letters);
    await fc.assert(
      fc.asyncProperty(fc.nat(end - 1), letter, async (position, other) => {
        fc.pre(good[position] !== other);
        const changed = good.slice(0, position) + other + good.slice(position + 1);
        // A blank before or behind it is none of it.
        fc.pre(changed.trim() !== good.trim());
        expect((await verifier.verify(call(changed))).verification).not.toBe('passed');
      }),
    );
  });

  it('in whatever way, is judged without a fault', async () => {
    const { verifier, clock } = stage();
    const good = signed(clock);
    const piece = fc.oneof(
      fc.constant(good),
      fc.constantFrom(...good.split(/(?=[.;])/)),
      fc.string({ unit: fc.constantFrom(...letters), maxLength: 20 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), fc.option(fc.string()), async (pieces, date) => {
        const { reason } = await verifier.verify(call(pieces.join(''), { date }));
        expect(['fault', 'timeout']).not.toContain(reason);
      }),
    );
  });
});

describe('A signer', () => {
  it('takes a key of its curve alone, and never says what the key was', () => {
    for (const text of ['', 'secret text', '-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----'])
      expect(() => new CallSigner(text, x5u)).toThrow(/^no private key in PEM form$/);
  });

  it('signs nothing without numbers', () => {
    const nowMs = 0;
    expect(() =>
      signer.sign({ caller: 'anonymous', called, attestation: 'C', originationId, nowMs }),
    ).toThrow(RangeError);
  });
});
