/** Tells a token (a JWT) from a join code, and how each is shown to the gateway. */
import { LandbridgeError } from './errors.js';

export interface ShownCredential {
  /** User part of the INVITE's target. */
  readonly user: string;
  readonly headers: readonly string[];
}

/**
 * A token travels in `User-to-User` (RFC 7433), a join code as the target's user part. Join codes are read as people
 * write them: in any case, with spaces or hyphens.
 */
export function showCredential(text: string): ShownCredential {
  const credential = text.trim();
  if (credential === '') throw new LandbridgeError('token-missing', 'A token or a join code is needed.');
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(credential)) {
    return { user: 'join', headers: [`User-to-User: ${credential};encoding=jwt`] };
  }
  const code = credential.replaceAll(/[\s-]/g, '').toUpperCase();
  if (/^[0-9A-Z]{12}$/.test(code)) return { user: code, headers: [] };
  throw new LandbridgeError('token-invalid', 'This is neither a token nor a join code.');
}

/** Fit for a quoted string in a From header: no quotes, backslashes or control characters. */
export function displayNameOf(text: string): string {
  return text
    .replaceAll(/[\p{Cc}"\\]/gu, ' ')
    .trim()
    .slice(0, 128);
}
