/** Numbers and URIs in the one form in which they are signed and compared (RFC 8224 §8.3, §8.5). */

/** Digits, `*` and `#` without plus and separators; null for what is no number. */
export function canonicalNumber(text: string): string | null {
  if (text.length > maxLength) return null;
  const number = text
    .replace(/^tel:/i, '')
    .replaceAll(/[-.() ]/g, '')
    .replace(/^\+/, '');
  return /^[0-9*#]{1,32}$/.test(number) ? number : null;
}

/** `sip:user@host` with the host in small letters, without port, parameters and headers; null for what is no SIP URI with a user. */
export function canonicalUri(text: string): string | null {
  if (text.length > maxLength) return null;
  const [, scheme, user, host] =
    /^(sips?):([^@;?\s]+)@([\w.-]+|\[[0-9a-f:.]+\])(?:[:;?]|$)/i.exec(text) ?? [];
  if (scheme === undefined || user === undefined || host === undefined) return null;
  return `${scheme.toLowerCase()}:${user}@${host.toLowerCase()}`;
}

const maxLength = 256;
