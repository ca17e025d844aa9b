/** Keys for SRTP in session descriptions (RFC 4568). Which suites there are, and how long their keys, is for the caller to say. */
import { attribute, attributeValues } from './attributes.js';
import type { Attribute } from './session-description.js';

/** One line `a=crypto`, with one key. */
export interface CryptoAttribute {
  /** Which line of the offer an answer takes (§4.1). */
  readonly tag: number;
  readonly suite: string;
  /** The master key, then its salt (§6.1). */
  readonly keyAndSalt: Buffer;
  /** What the key is called in each packet (§6.1: MKI); null: it has no name. */
  readonly mki: Buffer | null;
  /** Session parameters (§6.3) that the far end must be able to rely on. */
  readonly demands: readonly string[];
}

const line = /^(\d{1,9})[ \t]+([A-Za-z0-9_]{1,64})[ \t]+(\S+)((?:[ \t]+\S+)*)$/;
const inlineKey = /^inline:([A-Za-z0-9+/]{1,256}={0,2})(?:\|(?:2\^)?\d{1,15})?(?:\|(\d{1,38}):(\d{1,3}))?$/i;

const maxMkiLength = 128;

/**
 * All that can be read, in their order. A line with several keys is left out, like one that is malformed: nobody is known to
 * write such, and which key a packet has would be told by its name alone. How long a key may be used is not looked at: calls
 * are shorter.
 */
export function cryptoAttributes(of: { readonly attributes: readonly Attribute[] }): CryptoAttribute[] {
  return attributeValues(of, 'crypto').flatMap((value) => {
    const [, tag, suite = '', key = '', parameters = ''] = line.exec(value.trim()) ?? [];
    const [, base64 = '', mkiValue, mkiLength] = inlineKey.exec(key) ?? [];
    const keyAndSalt = octetsOf(base64);
    const mki = mkiValue === undefined ? null : mkiOf(BigInt(mkiValue), Number(mkiLength));
    if (tag === undefined || keyAndSalt === null || mki === undefined) return [];
    return { tag: Number(tag), suite, keyAndSalt, mki, demands: demandsAmong(parameters) };
  });
}

export const cryptoAttribute = (
  of: Pick<CryptoAttribute, 'tag' | 'suite'> & { readonly keyAndSalt: Buffer },
): Attribute => attribute('crypto', `${of.tag} ${of.suite} inline:${of.keyAndSalt.toString('base64')}`);

/** Null where digits mean nothing: two would write one key in two ways. Padding may be missing. */
function octetsOf(base64: string): Buffer | null {
  const octets = Buffer.from(base64, 'base64');
  const isExact = withoutPadding(octets.toString('base64')) === withoutPadding(base64);
  return octets.length > 0 && isExact ? octets : null;
}

const withoutPadding = (base64: string): string => base64.replace(/=+$/, '');

/** Undefined where the value does not fit into the length. */
function mkiOf(value: bigint, length: number): Buffer | undefined {
  const digits = value.toString(16);
  if (length < 1 || length > maxMkiLength || digits.length > length * 2) return undefined;
  return Buffer.from(digits.padStart(length * 2, '0'), 'hex');
}

/** Those with a hyphen may be ignored (§6.3.7); WSH only says how big a window the far end has (§6.3.6). */
const demandsAmong = (parameters: string): string[] =>
  parameters
    .split(/[ \t]+/)
    .filter((parameter) => parameter !== '' && !parameter.startsWith('-') && !/^WSH=\d+$/i.test(parameter));
