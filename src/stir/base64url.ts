/** Base64url as JWS has it (RFC 7515 §2): no padding, no other letters, and one way to write each value. */

/** Null for what is not written so. */
export function decodeBase64url(text: string): Buffer | null {
  if (!/^[\w-]+$/.test(text)) return null;
  const bytes = Buffer.from(text, 'base64url');
  // Bits behind the last byte that are not zero, and a single letter at the end, come out otherwise.
  return bytes.toString('base64url') === text ? bytes : null;
}

export function encodeBase64url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}
