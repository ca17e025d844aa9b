import { describe, expect, it } from 'vitest';
import type { UnverifiedReason } from '../participants/caller-verification.js';
import { Refusal } from '../refusal.js';
import { refuseUnverified } from './unverified-calls.js';

const failed = (reason: UnverifiedReason) => ({
  ...{ verification: reason === 'no-identity' ? ('none' as const) : ('failed' as const), reason },
  ...{ attestation: null, originationId: null, by: 'gateway' as const },
});
const passed = {
  verification: 'passed',
  attestation: 'C',
  originationId: 'x',
  by: 'gateway',
  reason: null,
} as const;

describe('A call that is not verified', () => {
  it('is let in where the trunk does not require it', () => {
    for (const policy of ['off', 'report'] as const)
      expect(() => refuseUnverified(policy, failed('bad-signature'))).not.toThrow();
  });

  it.each([
    ['no-identity', 'identity-required'],
    ['stale', 'identity-stale'],
    ['timeout', 'identity-unreachable'],
    ['not-fetched', 'identity-unreachable'],
    ['untrusted-certificate', 'identity-untrusted'],
    ['bad-signature', 'identity-invalid'],
    ['called-mismatch', 'identity-invalid'],
    ['revoked-certificate', 'identity-untrusted'],
    ['revocation-unknown', 'identity-untrusted'],
    ['carrier-failed', 'identity-invalid'],
    ['carrier-silent', 'identity-required'],
    ['fault', 'overloaded'],
  ] as const)('for %s is refused with %s where it is required', (reason, code) => {
    expect(() => refuseUnverified('require', failed(reason))).toThrow(Refusal);
    expect(() => refuseUnverified('require', failed(reason))).toThrow(code);
  });

  it('is none with any attestation', () => {
    expect(() => refuseUnverified('require', passed)).not.toThrow();
  });
});
