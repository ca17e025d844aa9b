/** What becomes of a trunk's calls whose caller is not verified. */
import type { CallerVerification, UnverifiedReason } from '../participants/caller-verification.js';
import { Refusal, type RefusalCode } from '../refusal.js';
import type { StirPolicy } from './trunk.js';

/** RFC 8224 §6.2.2. What is a fault of ours is none of the caller's. */
const refusals: Readonly<Record<UnverifiedReason, RefusalCode>> = {
  'no-identity': 'identity-required',
  malformed: 'identity-invalid',
  stale: 'identity-stale',
  'caller-mismatch': 'identity-invalid',
  'called-mismatch': 'identity-invalid',
  'url-not-allowed': 'identity-unreachable',
  'not-fetched': 'identity-unreachable',
  'fetch-limit': 'identity-unreachable',
  timeout: 'identity-unreachable',
  'unsuitable-certificate': 'identity-untrusted',
  'untrusted-certificate': 'identity-untrusted',
  'expired-certificate': 'identity-untrusted',
  'revoked-certificate': 'identity-untrusted',
  'revocation-unknown': 'identity-untrusted',
  'number-not-covered': 'identity-untrusted',
  'bad-signature': 'identity-invalid',
  'carrier-failed': 'identity-invalid',
  'carrier-silent': 'identity-required',
  fault: 'overloaded',
};

/** What it would be refused with where its trunk required it; null where it is verified. */
export function refusalOfUnverified({ verification, reason }: CallerVerification): RefusalCode | null {
  return verification === 'passed' ? null : refusals[reason ?? 'fault'];
}

/** Throws Refusal where the policy wants calls verified, and this one is not. */
export function refuseUnverified(policy: StirPolicy, verification: CallerVerification): void {
  const code = refusalOfUnverified(verification);
  if (policy === 'require' && code !== null) throw new Refusal(code, verification.reason);
}
