/** What is found out about a call's Identity. */
import type { Attestation } from './passport.js';

/** Why a call is not verified. */
export type VerdictReason =
  /** There is no Identity, or none of a kind that is known. */
  | 'no-identity'
  /** It cannot be read, contradicts itself, or is signed in another way than ES256. */
  | 'malformed'
  /** It was made too long ago, or in the future. */
  | 'stale'
  /** It is of another caller. */
  | 'caller-mismatch'
  /** It is of a call to somebody else. */
  | 'called-mismatch'
  /** Its certificate is at a place that is not asked. */
  | 'url-not-allowed'
  /** Its certificate could not be had. */
  | 'not-fetched'
  /** Too many certificates are being fetched. */
  | 'fetch-limit'
  /** It could not be verified in time. */
  | 'timeout'
  /** What its certificate is said to be is none, or one that may not sign calls. */
  | 'unsuitable-certificate'
  /** Its certificate comes from no authority of the list. */
  | 'untrusted-certificate'
  | 'expired-certificate'
  /** An authority has revoked its certificate, or one above it. */
  | 'revoked-certificate'
  /** Whether it was revoked could not be found out. */
  | 'revocation-unknown'
  /** The signer's certificate is for other numbers. */
  | 'number-not-covered'
  | 'bad-signature'
  /** The verifier itself failed. */
  | 'fault';

export interface Verdict {
  /** `none`: there is nothing to verify. */
  readonly verification: 'passed' | 'failed' | 'none';
  /** What a good signature attests; null for any other, and for one that attests nothing. */
  readonly attestation: Attestation | null;
  /** By which the signer traces the call back; null where no good signature says. */
  readonly originationId: string | null;
  /** Null where it passed. */
  readonly reason: VerdictReason | null;
}

export function passed(attestation: Attestation | null, originationId: string | null): Verdict {
  return { verification: 'passed', attestation, originationId, reason: null };
}

export function notPassed(reason: VerdictReason): Verdict {
  const verification = reason === 'no-identity' ? 'none' : 'failed';
  return { verification, attestation: null, originationId: null, reason };
}
