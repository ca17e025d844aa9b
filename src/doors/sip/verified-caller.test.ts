import { describe, expect, it } from 'vitest';
import type { CallerVerification } from '../../domain/participants/caller-verification.js';
import type { TrunkPass } from '../../domain/trunks/trunk-calls.js';
import type { StirPolicy } from '../../domain/trunks/trunk.js';
import { verifiedCaller, type SignedCall } from './verified-caller.js';

const passed: CallerVerification = {
  verification: 'passed',
  attestation: 'A',
  originationId: 'o',
  by: 'gateway',
  reason: null,
};
const none: CallerVerification = {
  ...{ verification: 'none', attestation: null, originationId: null, by: 'gateway', reason: 'no-identity' },
};

const headers: Readonly<Record<string, string>> = {
  From: '<sip:+4930123@carrier>;tag=1',
  To: '<sip:+4930999@gw>',
  Identity: 'a.b.c;info=<https://cert.example.org/>',
  'Call-ID': 'c1',
  Date: 'Thu, 01 Jan 2026 00:00:00 GMT',
};
const request = { uri: 'sip:join@gw', get: (name: string) => headers[name] };

/** What is found of a call over a trunk with such a policy. `dialled`: the number that it goes to; null: a credential says whom it is for. */
function passOf(
  stir: StirPolicy,
  dialled: string | null = '+4930555',
  verifiedBy: 'gateway' | 'carrier' = 'gateway',
): TrunkPass {
  const inbound = {
    networks: [],
    certificateNames: [],
    digest: null,
    calledNumber: ['request-uri' as const],
    callerIdentity: ['from'] as const,
    stir,
    verifiedBy,
    headers: [],
  };
  return {
    trunk: {
      ...{
        id: 't',
        accountId: 'acme',
        name: null,
        isEnabled: true,
        inbound,
        numbers: null,
        key: null,
        fingerprint: '',
      },
      ...{
        allowedCallers: null,
        allowedCalled: null,
        maxConcurrentCalls: null,
        maxCallsPerSecond: null,
        outbound: null,
        media: { codecs: null, dtmf: 'auto', srtp: null } as const,
        createdAt: 0,
      },
    },
    ...{ dialled, credential: null, isProven: true, release: () => undefined },
  };
}

function verifying(result: CallerVerification) {
  const asked: SignedCall[] = [];
  const verify = (call: SignedCall) => {
    asked.push(call);
    return Promise.resolve(result);
  };
  return { asked, verify };
}

describe('The signature of a call', () => {
  it('is not looked at where it is of no trunk, or its trunk does not ask', async () => {
    const { asked, verify } = verifying(passed);
    expect(await verifiedCaller(request, null, verify)).toBeNull();
    expect(await verifiedCaller(request, passOf('off'), verify)).toBeNull();
    expect(asked).toEqual([]);
  });

  it('is for the caller that is shown and the number that the call goes to, whatever To says', async () => {
    const { asked, verify } = verifying(passed);
    expect(await verifiedCaller(request, passOf('report'), verify)).toBe(passed);
    expect(asked).toEqual([
      {
        ...{ identity: headers['Identity'], date: headers['Date'], accountId: 'acme', callId: 'c1' },
        ...{ caller: ['+4930123'], called: ['+4930555'] },
      },
    ]);
  });

  it('is for anybody that a call with a credential is addressed to', async () => {
    const { asked, verify } = verifying(passed);
    await verifiedCaller(request, passOf('require', null), verify);
    expect(asked[0]?.called).toEqual(['sip:join@gw', '+4930999']);
  });

  it('is read by its short name, too', async () => {
    const { asked, verify } = verifying(passed);
    const { Identity, ...others } = headers;
    const fields: Readonly<Record<string, string | undefined>> = { ...others, y: Identity };
    await verifiedCaller({ uri: request.uri, get: (name) => fields[name] }, passOf('report'), verify);
    expect(asked[0]?.identity).toBe(Identity);
  });

  it('is left to the carrier where the trunk says so: its word counts, and nothing is fetched', async () => {
    const { asked, verify } = verifying(passed);
    const told = (verstat: string, policy: StirPolicy) => {
      const From = `<sip:+4930123;verstat=${verstat}@carrier>;tag=1`;
      const fields: Readonly<Record<string, string | undefined>> = { ...headers, From };
      const said = { uri: request.uri, get: (name: string) => fields[name] };
      return verifiedCaller(said, passOf(policy, null, 'carrier'), verify);
    };
    expect(await told('TN-Validation-Passed-B', 'require')).toEqual({
      ...{ verification: 'passed', attestation: 'B', originationId: null, by: 'carrier', reason: null },
    });
    expect(await told('TN-Validation-Failed', 'report')).toMatchObject({ reason: 'carrier-failed' });
    await expect(told('TN-Validation-Failed', 'require')).rejects.toThrow('identity-invalid');
    await expect(told('No-TN-Validation', 'require')).rejects.toThrow('identity-required');
    expect(asked).toEqual([]);
  });

  it('keeps the call out where it is required and not there, and only there', async () => {
    const { verify } = verifying(none);
    expect(await verifiedCaller(request, passOf('report'), verify)).toBe(none);
    await expect(verifiedCaller(request, passOf('require'), verify)).rejects.toThrow('identity-required');
    await expect(verifiedCaller(request, passOf('require'))).rejects.toThrow('overloaded');
  });
});
