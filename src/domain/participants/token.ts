/** Credentials that a leg shows, and the port that signs and verifies the JWT kind. */

export type Credential =
  | { readonly kind: 'jwt'; readonly value: string }
  | { readonly kind: 'join-code'; readonly value: string };

export type TokenVerification =
  /** An expired one is genuine as well. */
  { readonly result: 'valid' | 'expired'; readonly participantId: string } | { readonly result: 'invalid' };

/** HS256 JWTs with the claims `p` (participant id), `v` ("v3") and `exp`, and no more: a carrier may pass on only 256 characters. */
export interface TokenCodec {
  /** `expiresAt` in milliseconds since the epoch. */
  sign(participantId: string, expiresAt: number): string;
  /** Pins the algorithm, accepts either of two secrets, allows 30 s of clock leeway. Never throws. */
  verify(token: string, now: number): TokenVerification;
}
