/** Calls whose caller is verified before they are let in. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Request, settle, SipCallStage, offer } from '../../../test/support/sip-call-stage.js';
import { DigestServer } from '../../digest/digest-server.js';
import { Nonces } from '../../digest/nonces.js';
import type { CallerVerification } from '../../domain/participants/caller-verification.js';
import type { Trunk } from '../../domain/trunks/trunk.js';
import { ownServer } from './server-traits.js';

let stage: SipCallStage;
beforeEach(async () => {
  stage = await SipCallStage.open();
});
afterEach(async () => {
  await stage.domain.legs.endAll({ endedBy: 'gateway', reason: 'connection-lost' });
});

const passed: CallerVerification = {
  ...{ verification: 'passed', attestation: 'A', originationId: 'o', by: 'gateway', reason: null },
};

function trunkThat(stir: 'report' | 'require'): Trunk {
  return {
    ...{ id: 't', accountId: 'acme', name: null, isEnabled: true, numbers: null, key: null, fingerprint: '' },
    ...{ allowedCallers: null, allowedCalled: null, maxConcurrentCalls: null, maxCallsPerSecond: null },
    ...{ createdAt: 0, outbound: null, media: { codecs: null, dtmf: 'auto', srtp: null } },
    inbound: {
      ...{ networks: ['192.0.2.0/24'], certificateNames: [], digest: null, calledNumber: ['request-uri'] },
      ...{ callerIdentity: ['from'], stir, verifiedBy: 'gateway', headers: [] },
    },
  };
}

it.each(['report', 'require'] as const)(
  'A call that is canceled while its caller is verified (%s) reaches nobody, and is told of as canceled',
  async (policy) => {
    const created = await stage.newCaller();
    let dialledIn = 0;
    let released = 0;
    let verified: (result: CallerVerification) => void = () => undefined;
    let isOver = false;
    const call = stage.newCall({}, offer, ownServer, {
      dialIn() {
        dialledIn += 1;
        return Promise.resolve({ credential: { kind: 'jwt', value: created.token }, attendant: null });
      },
      trunks: {
        enter: () =>
          Promise.resolve({
            ...{ trunk: trunkThat(policy), dialled: '+1555', credential: null, isProven: true },
            release: () => void (released += 1),
          }),
        verify({ signal }) {
          signal?.addEventListener('abort', () => (isOver = true));
          return new Promise((resolve) => (verified = resolve));
        },
        digest: new DigestServer('test', new Nonces({ now: () => 0, lifetimeMs: 1, maxAnswered: 1 })),
        hashesOf: () => [],
        refuseOthers: false,
      },
    });
    void call.call.run();
    await settle();
    call.request.emit('cancel', new Request('CANCEL'));
    expect(isOver).toBe(true);
    verified(policy === 'report' ? passed : { ...passed, verification: 'failed', reason: 'timeout' });
    await settle();
    expect([dialledIn, released]).toEqual([0, 1]);
    expect(call.refused).toMatchObject([{ code: 'canceled', trunkId: 't', accountId: 'acme', legId: null }]);
    await stage.expectNothingLeft(call);
  },
);
