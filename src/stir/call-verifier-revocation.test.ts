import { beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { stirChain } from '../../test/support/stir-authority.js';
import { CallSigner } from './call-signer.js';
import { CallVerifier, type Standing } from './call-verifier.js';
import { readChain } from './certificate.js';
import { TrustAnchors } from './trust-anchors.js';

const x5u = 'https://cert.example.org/passport.pem';
const [caller, called] = ['+12155551212', '+12125551213'];

let chain: Awaited<ReturnType<typeof stirChain>>;
beforeAll(async () => {
  chain = await stirChain();
});

/** What is found of a good call, where its signer's certificate stands so. */
function verdictWhere(policy: 'soft' | 'hard', standing: Promise<Standing>, keyPem = chain.keyPem) {
  const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
  let asked = 0;
  const source = {
    standingOf() {
      asked += 1;
      return standing;
    },
  };
  const verifier = new CallVerifier({
    certificates: { certificatesAt: () => Promise.resolve(readChain(chain.chainPem, 5)) },
    anchors: () => TrustAnchors.read(chain.root.certPem),
    clock,
    limits: {
      ...{ maxAgeMs: 60_000, maxAheadMs: 30_000, maxIdentities: 6, timeoutMs: 2000 },
      ...{ maxCertificates: 3, maxUsedSignatures: 100 },
    },
    revocation: { source, policy, waitMs: 1000 },
  });
  const identity = new CallSigner(keyPem, x5u).sign({
    ...{ caller, called, attestation: 'A', originationId: '123e4567-e89b-12d3-a456-426655440000' },
    nowMs: clock.now(),
  });
  const verdict = verifier.verify({
    ...{ identity, caller: [caller], called: [called], date: null, requester: 'a', callId: 'c1' },
  });
  return { verdict, clock, asked: () => asked };
}

const never = new Promise<Standing>(() => undefined);

describe('A good signature by a certificate', () => {
  it.each([
    ['soft', 'good', 'passed', null],
    ['hard', 'good', 'passed', null],
    ['soft', 'unknown', 'passed', null],
    ['hard', 'unknown', 'failed', 'revocation-unknown'],
    ['soft', 'revoked', 'failed', 'revoked-certificate'],
    ['hard', 'revoked', 'failed', 'revoked-certificate'],
  ] as const)(
    'where lists count %s, and it is %s, has %s',
    async (policy, standing, verification, reason) => {
      const { verdict } = verdictWhere(policy, Promise.resolve(standing));
      expect(await verdict).toMatchObject({ verification, reason });
    },
  );

  it.each([
    ['soft', 'passed'],
    ['hard', 'failed'],
  ] as const)('waits no longer for a list than it may (%s)', async (policy, verification) => {
    const { verdict, clock, asked } = verdictWhere(policy, never);
    for (let turn = 0; turn < 20 && asked() === 0; turn += 1) await Promise.resolve();
    clock.advance(1001);
    expect(await verdict).toMatchObject({ verification });
    expect(clock.pending).toBe(0);
  });
});

it('A bad signature makes no list be fetched', async () => {
  const { keyPem } = await stirChain();
  const { verdict, asked } = verdictWhere('hard', Promise.resolve('revoked'), keyPem);
  expect(await verdict).toMatchObject({ reason: 'bad-signature' });
  expect(asked()).toBe(0);
});
