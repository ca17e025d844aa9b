/** Keys for SRTP in session descriptions (RFC 4568): the suites that FreeSWITCH knows, keys of the right length, no more. */
import { attribute, attributeValues } from '../../sdp/attributes.js';
import type { Attribute } from '../../sdp/session-description.js';

export interface SrtpKey {
  readonly tag: number;
  readonly suite: string;
  /** Key and salt in base64. */
  readonly key: string;
}

/** Octets of key and salt (RFC 4568 §6.2, RFC 6188 §3.1). */
const keyBytes: Readonly<Record<string, number>> = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AES_256_CM_HMAC_SHA1_80: 46,
  AES_256_CM_HMAC_SHA1_32: 46,
};

const pattern = /^(\d{1,9}) +([A-Z0-9_]+) +inline:([A-Za-z0-9+/]+={0,2})(?:\|(?:2\^)?\d{1,15})?$/;

/**
 * The first usable `a=crypto`. One with several keys, with a key identifier or with session parameters is not: what these ask
 * for would not be done.
 */
export function readSrtpKey(of: { readonly attributes: readonly Attribute[] }): SrtpKey | null {
  for (const value of attributeValues(of, 'crypto')) {
    const [, tag, suite = '', key = ''] = pattern.exec(value.trim()) ?? [];
    if (tag === undefined || !Object.hasOwn(keyBytes, suite)) continue;
    const bytes = Buffer.from(key, 'base64');
    // Written anew: digits that mean nothing do not pass, and missing `=` are added.
    const canonical = bytes.toString('base64');
    if (bytes.length === keyBytes[suite] && stripped(canonical) === stripped(key))
      return { tag: Number(tag), suite, key: canonical };
  }
  return null;
}

const stripped = (base64: string): string => base64.replace(/=+$/, '');

export const srtpKeyAttribute = ({ tag, suite, key }: SrtpKey): Attribute =>
  attribute('crypto', `${tag} ${suite} inline:${key}`);
