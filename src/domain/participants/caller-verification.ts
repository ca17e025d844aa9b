/** What a call's signature says of its caller (STIR: RFC 8224, RFC 8588), where somebody looked. */

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
  | 'number-not-covered'
  | 'bad-signature'
  | 'fault';

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
  /** Why it is not verified; null where it is. */
  readonly reason: UnverifiedReason | null;
}
