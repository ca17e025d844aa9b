import { beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { issueStir, stirChain } from '../../test/support/stir-authority.js';
import { CallSigner } from './call-signer.js';
import { CallVerifier, type CallToVerify, type CertificateSource } from './call-verifier.js';
import { readChain } from './certificate.js';
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

function stage() {
  // Chains hold today; Identities bear whole seconds.
  const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
  const anchors = TrustAnchors.read(chain.root.certPem);
  const certificatesAt: CertificateSource['certificatesAt'] = () =>
    Promise.resolve(readChain(chain.chainPem, 5));
  return {
    clock,
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

describe('A call that was sent on', () => {
  const second = '+12125550002';

  it('is verified where every step from whom it was for is signed (RFC 8946)', async () => {
    const { verifier, clock } = stage();
    const nowMs = clock.now();
    const first = signed(clock);
    const toSecond = signer.signDiversion({ caller, called: second, diverted: called, nowMs });
    const toThird = signer.signDiversion({ caller, called: third, diverted: second, nowMs });
    const to = (number: string) => ({ called: [number] });
    expect((await verifier.verify(call([first, toSecond].join(','), to(second)))).reason).toBeNull();
    expect(await verifier.verify(call([toThird, first, toSecond].join(','), to(third)))).toMatchObject({
      verification: 'passed',
      attestation: 'A',
    });
    expect((await verifier.verify(call([first, toThird].join(','), to(third)))).reason).toBe(
      'called-mismatch',
    );
    expect((await verifier.verify(call([toSecond, toThird].join(','), to(third)))).reason).toBe('malformed');
  });

  it('is not where a step is old, of another call, or signed by nobody', async () => {
    const { verifier, clock } = stage();
    const nowMs = clock.now();
    const first = signed(clock);
    const step = { caller, called: third, diverted: called, nowMs };
    const reasonWith = async (diversion: string) =>
      (await verifier.verify(call([first, diversion].join(','), { called: [third] }))).reason;
    expect(await reasonWith(signer.signDiversion({ ...step, nowMs: nowMs - 61_000 }))).toBe(
      'called-mismatch',
    );
    expect(await reasonWith(signer.signDiversion({ ...step, caller: second }))).toBe('called-mismatch');
    const stranger = await issueStir();
    expect(await reasonWith(new CallSigner(stranger.keyPem, x5u).signDiversion(step))).toBe('bad-signature');
  });

  it('is verified by the way that is good, of several', async () => {
    const { verifier, clock } = stage();
    const nowMs = clock.now();
    const step = { caller, called: third, diverted: called, nowMs };
    const stranger = new CallSigner((await issueStir()).keyPem, x5u);
    const [bad, good] = [stranger.signDiversion(step), signer.signDiversion(step)];
    const to = { called: [third] };
    for (const identities of [
      [bad, good],
      [good, bad],
      [
        bad,
        signer.signDiversion({ ...step, diverted: second }),
        signer.signDiversion({ ...step, called: second }),
      ],
    ])
      expect((await verifier.verify(call([signed(clock), ...identities].join(','), to))).reason).toBeNull();
  });

  it('is let in once for each step that leads to who is called', async () => {
    const { verifier, clock } = stage();
    const nowMs = clock.now();
    const first = signed(clock);
    const steps = [second, third].map((to) =>
      signer.signDiversion({ caller, called: to, diverted: called, nowMs }),
    );
    const reasonFor = async (callId: string, index: number) =>
      (
        await verifier.verify(
          call([first, ...steps].join(','), { called: [[second, third][index] ?? ''], callId }),
        )
      ).reason;
    expect(await reasonFor('one', 0)).toBeNull();
    expect(await reasonFor('other', 1)).toBeNull();
    expect(await reasonFor('third', 1)).toBe('stale');
  });

  it('by many steps, in whatever order, is judged at once', async () => {
    const { verifier, clock } = stage();
    const nowMs = clock.now();
    const names = [called, second, third, '+12125550004', '+12125550005', '+12125550006'];
    const all = names.flatMap((diverted) =>
      names.map((to) => signer.signDiversion({ caller, called: to, diverted, nowMs })),
    );
    const many = new CallVerifier({
      ...{ certificates: { certificatesAt: () => Promise.resolve('not-fetched' as const) }, clock },
      ...{ anchors: () => TrustAnchors.read(chain.root.certPem), limits: { ...limits, maxIdentities: 40 } },
    });
    const identity = [signed(clock, { called: '+12125550099' }), ...all].join(',');
    expect((await many.verify(call(identity, { called: [third] }))).reason).toBe('called-mismatch');
    expect((await verifier.verify(call(identity, { called: [third] }))).reason).toBe('called-mismatch');
  });

  it('in a circle comes to an end', async () => {
    const { verifier, clock } = stage();
    const nowMs = clock.now();
    const steps = [
      signer.signDiversion({ caller, called: third, diverted: second, nowMs }),
      signer.signDiversion({ caller, called: second, diverted: third, nowMs }),
      signer.signDiversion({ caller, called: third, diverted: third, nowMs }),
    ];
    expect(
      (await verifier.verify(call([signed(clock), ...steps].join(','), { called: [third] }))).reason,
    ).toBe('called-mismatch');
  });
});
