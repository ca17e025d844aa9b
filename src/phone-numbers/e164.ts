/** Numbers as people and platforms write them, in E.164. */
import { isSupportedCountry, Metadata, parsePhoneNumberFromString } from 'libphonenumber-js';
import type { NormalizeNumber } from '../domain/numbers/phone-number.js';

/** Longer than any number with its decoration. */
const maxLength = 64;

/**
 * `+15551230142` for `+1 (555) 123-0142`, `0015551230142`, `tel:+1-555-123-0142`, and for `(555) 123-0142` where the country is
 * US. Some write the plus before the prefix that it stands for. Digits alone are international where they make a number with its plus, and national otherwise: platforms leave the
 * plus out. Extensions and letters are refused.
 */
export const normalizeNumber: NormalizeNumber = (text, country) => {
  if (text.length > maxLength) return null;
  const written = text.trim().replace(/^tel:/i, '');
  if (!/^\+?[\d\s().\u00a0\u2010-\u2015/-]+$/.test(written)) return null;
  const digits = written.replaceAll(/[^+\d]/g, '');
  const abroad = country === null ? null : behindOwnPrefix(digits, country);
  if (abroad !== null) return abroad;
  const plain = digits.replace(/^\+?(?:00|011)(?=\d{8})/, '+');
  if (plain.startsWith('+')) return parse(plain, null);
  const national = country === null ? null : parse(plain, country);
  return national ?? parse(`+${plain}`, null);
};

/** `text`: two capital letters of ISO 3166. */
export function isKnownCountry(text: string): boolean {
  return isSupportedCountry(text);
}

/** What stands behind the country's own prefix for calls abroad, as 0011 in Australia; null where that makes no number. */
function behindOwnPrefix(digits: string, country: string): string | null {
  if (!isSupportedCountry(country)) return null;
  const metadata = new Metadata();
  metadata.selectNumberingPlan(country);
  const prefix = metadata.numberingPlan?.IDDPrefix();
  if (prefix === undefined || !new RegExp(`^(?:${prefix})\\d{8}`).test(digits)) return null;
  return parse(digits, country);
}

function parse(text: string, country: string | null): string | null {
  const known = country !== null && isSupportedCountry(country) ? country : undefined;
  if (country !== null && known === undefined) return null;
  const number = parsePhoneNumberFromString(
    text,
    known === undefined ? { extract: false } : { defaultCountry: known, extract: false },
  );
  // Possible rather than valid: which ranges are in use changes by the month, and test numbers are in none.
  return number?.isPossible() === true ? number.number : null;
}
