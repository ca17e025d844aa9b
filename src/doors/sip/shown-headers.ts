/** The header fields of an INVITE that its trunk has applications see: whole, few and short, and nothing that lets a call in. */
import { ownText } from '../../domain/own-text.js';
import { isNeverShown, presentHeaders, type CallHeaders } from '../../domain/participants/call-headers.js';
import { asksForPrivacy } from './caller-identity.js';
import { findCredentials, type CredentialSource } from './credential.js';

/** A longer one is left out: a part of it may say something else. */
const maxValueLength = 1024;
const maxLength = 8192;

/** Null where there are none. What names people is left out where the caller asks for privacy. */
export function shownHeaders(
  request: CredentialSource,
  names: readonly string[],
  tokenHeaders: readonly string[],
): CallHeaders | null {
  if (names.length === 0) return null;
  const secrets = findCredentials(request, tokenHeaders).credentials.map(({ value }) => bare(value));
  const shown: Record<string, string> = {};
  let length = 0;
  for (const name of names) {
    const value = request.get(name);
    if (value === undefined || value.length > maxValueLength || isNeverShown(name, tokenHeaders)) continue;
    // Some write a token into a second field, for another system.
    if (jwtForm.test(value) || secrets.some((secret) => bare(value).includes(secret))) continue;
    length += name.length + value.length;
    if (length > maxLength) break;
    // Line ends and other controls, which a folded field may have.
    shown[name] = ownText(value.replaceAll(/\p{Cc}+/gu, ' ').trim());
  }
  return presentHeaders(shown, asksForPrivacy(request) ? 'none' : 'full');
}

/** A JSON Web Token, wherever it stands. */
const jwtForm = /eyJ[\w-]{8,}\.[\w-]{8,}\./;

/** Join codes are written with hyphens and without, in large letters and small. */
function bare(text: string): string {
  return text.replaceAll('-', '').toUpperCase();
}
