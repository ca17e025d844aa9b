/**
 * Join codes: 12 characters of Crockford's base32 (60 bits), for carriers that can bear only a short string.
 * Reading is lenient as Crockford asks: case does not matter, O is 0, I and L are 1, hyphens are ignored.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const length = 12;

export function createJoinCode(): string {
  // 256 is a multiple of 32, so taking five bits of each byte is unbiased.
  return Array.from(randomBytes(length), (byte) => alphabet[byte & 31]).join('');
}

/** The code that belongs to a name under a secret: it can be made again, and need not be kept. */
export function deriveJoinCode(secret: string, name: string): string {
  const bytes = createHmac('sha256', secret).update(`landbridge join code ${name}`).digest();
  return Array.from(bytes.subarray(0, length), (byte) => alphabet[byte & 31]).join('');
}

/** The canonical form, or null where the text does not have the form of a join code. */
export function normalizeJoinCode(text: string): string | null {
  // ASCII alone: some foreign letters become ASCII letters in upper case.
  if (text.length > 2 * length || !/^[0-9a-z-]*$/i.test(text)) return null;
  const code = text.replaceAll('-', '').toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return code.length === length && Array.from(code).every((character) => alphabet.includes(character))
    ? code
    : null;
}

/** What the store keeps in place of the code. */
export function hashJoinCode(canonicalCode: string): string {
  return createHash('sha256').update(canonicalCode).digest('base64url');
}
