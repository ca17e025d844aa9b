/** Finds what an INVITE shows as its credential; the first place in the order of docs/sip.md that has one wins. */
import { normalizeJoinCode } from '../../domain/participants/join-code.js';
import type { Credential } from '../../domain/participants/token.js';
import { readUserToUser } from './user-to-user.js';

/** What credential extraction needs of a request. */
export interface CredentialSource {
  readonly uri: string;
  get(header: string): string | undefined;
}

export interface FoundCredential {
  readonly credential: Credential | null;
  readonly voiceCallId: string | null;
}

const maxLength = 8192;

/** `tokenHeaders` are the names of the headers that may carry a token or code, in order. */
export function findCredential(request: CredentialSource, tokenHeaders: readonly string[]): FoundCredential {
  const userToUser = readUserToUser(request.get('User-to-User') ?? '');
  const uri = readUri(request.uri);
  const shown =
    userToUser.credential ??
    tokenHeaders.map((name) => headerToken(request.get(name))).find((token) => token !== null) ??
    uri.token;
  let credential = shown === null ? null : classify(shown);
  if (credential === null && uri.user !== null) {
    const value = normalizeJoinCode(uri.user);
    if (value !== null) credential = { kind: 'join-code', value };
  }
  return { credential, voiceCallId: userToUser.voiceCallId };
}

/** The user part where it is a telephone number: an optional plus and digits. */
export function dialledNumber(uri: string): string | null {
  const { user } = readUri(uri);
  return user !== null && /^\+?\d{3,15}$/.test(user) ? user : null;
}

function classify(shown: string): Credential {
  const code = normalizeJoinCode(shown);
  return code === null ? { kind: 'jwt', value: shown } : { kind: 'join-code', value: code };
}

/** A token header may carry a `;encoding=jwt` behind the token as User-to-User does; a JWT has no semicolon. */
function headerToken(value: string | undefined): string | null {
  if (value === undefined || value.length > maxLength) return null;
  const [shown = ''] = value.split(/[;,]/, 1);
  const token = shown.trim().replaceAll('"', '');
  return token === '' ? null : token;
}

/** By hand, in one pass: a stranger writes this text, and a regular expression with two open ends backtracks. */
function readUri(uri: string): { user: string | null; token: string | null } {
  const nothing = { user: null, token: null };
  if (uri.length > maxLength || !/^sips?:/i.test(uri)) return nothing;
  const [address = ''] = uri.slice(uri.indexOf(':') + 1).split('?', 1);
  const at = address.indexOf('@');
  const [user] = at === -1 ? [] : address.slice(0, at).split(/[:;]/, 1);
  const parameter = address
    .slice(at + 1)
    .split(';')
    .slice(1)
    .find((text) => /^token=/i.test(text));
  return { user: unescapeUri(user), token: unescapeUri(parameter?.slice('token='.length)) };
}

function unescapeUri(text: string | undefined): string | null {
  if (text === undefined || text === '') return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
