/** ES256 (RFC 7518 §3.4): ECDSA with P-256 and SHA-256; a signature is two numbers of 32 bytes, not DER. */
import { sign, verify, type KeyObject } from 'node:crypto';

/** Whether ES256 can be made or checked with the key. */
export function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

/** Whether the key is of a curve that has a name: one whose parameters stand in the certificate may be made to fit another's key. */
export function isOfNamedCurve(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && namedCurves.has(key.asymmetricKeyDetails?.namedCurve ?? '');
}

const namedCurves: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

export function signEs256(privateKey: KeyObject, text: string): Buffer {
  return sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
}

export function isSignedEs256(publicKey: KeyObject, text: string, signature: Buffer): boolean {
  return verify('sha256', Buffer.from(text), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
}
