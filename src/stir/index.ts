/** STIR: signs who calls whom, and verifies it (RFC 8224, 8225, 8226, 8588, 8946). Knows nothing of sessions, trunks and SIP's rest. */
export { CallSigner, type CallToSign, type DiversionToSign } from './call-signer.js';
export { CallVerifier, type CallToVerify } from './call-verifier.js';
export { CertificateCache } from './certificate-cache.js';
export { CertificateFetcher } from './certificate-fetcher.js';
export { readChain, type StirCertificate } from './certificate.js';
export { RevocationLists } from './revocation-lists.js';
export type { Attestation } from './passport.js';
export { TrustAnchors } from './trust-anchors.js';
export type { Verdict, VerdictReason } from './verdict.js';
