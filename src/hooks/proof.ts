/** Hashes and comparisons for the signatures of platforms' requests. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Compares two texts in a time that does not depend on where they differ. */
export function isSame(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}

export function hmac(
  algorithm: 'sha1' | 'sha256',
  key: string,
  text: string | Buffer,
  encoding: 'base64' | 'base64url' | 'hex',
): string {
  return createHmac(algorithm, key).update(text).digest(encoding);
}

/** How far a platform's clock and ours may differ, and how long a request may be on its way. */
const maxAgeSeconds = 300;

export function isFresh(unixSeconds: number, nowMs: number): boolean {
  return Math.abs(nowMs / 1000 - unixSeconds) <= maxAgeSeconds;
}
