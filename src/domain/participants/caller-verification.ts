/** What a call's signature says of its caller (STIR: RFC 8224, RFC 8588), where somebody looked: the gateway, or the carrier before it. */

/** Why a call is not verified; the words of docs/stir.md. */
export type UnverifiedReason =
  | 'no-identity'
  | 'malformed'
  | 'stale'
  | 'caller-mismatch'
  | 'called-mismatch'
  | 'url-not-allowed'
  | 'not-fetched'
  | 'fetch-limit'
  | 'timeout'
  | 'unsuitable-certificate'
  | 'untrusted-certificate'
  | 'expired-certificate'
  | 'revoked-certificate'
  | 'revocation-unknown'
  | 'number-not-covered'
  | 'bad-signature'
  /** The carrier says that it did not hold. */
  | 'carrier-failed'
  /** The carrier says nothing of it, or that it could not look. */
  | 'carrier-silent'
  | 'fault';

/** Whose word counts: what the gateway verifies itself, or what the carrier that did so says (`verstat`). */
export type Verifier = 'gateway' | 'carrier';

/** Where it is read: in the signature itself, in `verstat` beside the number, or in a header field of that carrier's own. */
export type VerdictSource = Verifier | 'twilio' | 'plivo';

export interface CallerVerification {
  /** `none`: the call shows no signature. */
  readonly verification: 'passed' | 'failed' | 'none';
  /**
   * What the signer says: `A`, the caller is its customer and may use the number; `B`, the caller is its customer; `C`, the call came
   * in through it. Null where nothing good says so.
   */
  readonly attestation: 'A' | 'B' | 'C' | null;
  /** The signer's id of where the call came in (`origid`), by which it is traced back. */
  readonly originationId: string | null;
  /** Who verified it: the gateway, or the carrier, by whose word it is told. */
  readonly by: Verifier;
  /** Why it is not verified; null where it is. */
  readonly reason: UnverifiedReason | null;
}
