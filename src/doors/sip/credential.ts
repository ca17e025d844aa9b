/** Finds what an INVITE shows as its credential, in the places of docs/sip.md and their order. */
import { normalizeJoinCode } from '../../domain/participants/join-code.js';
import type { Credential } from '../../domain/participants/token.js';
import { readUserToUser } from './user-to-user.js';
import { unescapePercent } from './percent-escapes.js';

/** What credential extraction needs of a request. */
export interface CredentialSource {
  readonly uri: string;
  get(header: string): string | undefined;
}

export interface FoundCredentials {
  /** Which of several counts is seen by what they are worth: somebody else's value may have the form of one. */
  readonly credentials: readonly Credential[];
  readonly voiceCallId: string | null;
}

const maxLength = 8192;

/** A JSON Web Token by its form (RFC 7519 §3): three parts of base64url. */
const jwtForm = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/**
 * `tokenHeaders` are the names of the headers that may carry a token or code, in order. What has the form of neither token nor
 * code is passed over. Where there is nothing else, what stands in a place that is ours alone, or is called a token, is a wrong
 * token and not a missing one.
 */
export function findCredentials(
  request: CredentialSource,
  tokenHeaders: readonly string[],
): FoundCredentials {
  const { texts, labelled, voiceCallId } = readUserToUser(request.get('User-to-User') ?? '');
  const { user, token } = readUri(request.uri);
  const ours = [...tokenHeaders.flatMap((name) => headerTokens(request.get(name))), ...(token ?? [])];
  const found = [...[...texts, ...ours].map(classify), joinCode(user ?? '')].filter((one) => one !== null);
  // Copies of one are one: each is looked up.
  const credentials = [...new Map(found.map((one) => [one.value, one])).values()];
  if (credentials.length > 0) return { credentials, voiceCallId };
  const wrong = [...labelled, ...ours].slice(0, 1);
  return { credentials: wrong.map((value) => ({ kind: 'jwt', value })), voiceCallId };
}

/**
 * The telephone number that a sip or tel URI names, as it is written there: digits with visual separators, a global number
 * with its plus (RFC 3966 §5.1). A local number with a global `phone-context` is made whole with it, unless it is dialled
 * as an international one there.
 */
export function dialledNumber(uri: string): string | null {
  const { user: written, userParameters } = readUri(uri);
  // A number sign behind it says that all was dialled.
  const user = written?.replace(/#$/, '') ?? null;
  if (user === null || user.length > maxNumberLength || !numberForm.test(user)) return null;
  if (user.startsWith('+') || internationalForm.test(user)) return user;
  const context = userParameters
    .find((text) => /^phone-context=/i.test(text))
    ?.slice('phone-context='.length)
    .replace(/^\s*"?|"?\s*$/g, '');
  if (context === undefined || !contextForm.test(context)) return user;
  // Behind +1 no number begins with 1: it was written whole already.
  const isWhole = /^\+[-.() ]*1/.test(context) && /^[-.() ]*1/.test(user);
  return isWhole ? `+${user}` : context + user;
}

/** Those of RFC 3966, and those that people write: a slash, a blank or hyphen that does not break. */
const separators = String.raw`[-.() /\u00a0\u2010-\u2015]*`;
/** At least three digits; separators nowhere without digits about them. */
const numberForm = new RegExp(String.raw`^\+?(?:${separators}\d){3,}${separators}$`);
/** The prefix, and more digits than a national number with two zeros of its own would have. */
const internationalForm = new RegExp(
  String.raw`^${separators}0${separators}(?:0|1${separators}1)(?:${separators}\d){8,}${separators}$`,
);
const contextForm = /^\+[\d\-.()]{1,32}$/;
const maxNumberLength = 64;

function classify(text: string): Credential | null {
  return joinCode(text) ?? (jwtForm.test(text) ? { kind: 'jwt', value: text } : null);
}

function joinCode(text: string): Credential | null {
  const value = normalizeJoinCode(text);
  return value === null ? null : { kind: 'join-code', value };
}

/** A token header may carry a `;encoding=jwt` behind the token as User-to-User does; a JWT has no semicolon. */
function headerTokens(field: string | undefined): readonly string[] {
  if (field === undefined || field.length > maxLength) return [];
  return field
    .split(',')
    .map((value) => (value.split(';', 1)[0] ?? '').trim().replaceAll('"', ''))
    .filter((token) => token !== '');
}

interface ReadUri {
  readonly user: string | null;
  /** What stands behind the user part's semicolons, or behind a tel URI's. */
  readonly userParameters: readonly string[];
  /** The URI parameter `token`. */
  readonly token: readonly string[];
}

/** By hand, in one pass: a stranger writes this text, and a regular expression with two open ends backtracks. */
function readUri(uri: string): ReadUri {
  const nothing = { user: null, userParameters: [], token: [] };
  const [scheme = '', rest] = uri.length > maxLength ? [] : splitOnce(uri, ':');
  if (rest === null || rest === undefined) return nothing;
  const [address = ''] = rest.split('?', 1);
  if (scheme.toLowerCase() === 'tel') return { ...readUser(address), token: [] };
  if (!/^sips?$/i.test(scheme)) return nothing;
  const [user, host] = splitOnce(address, '@');
  const parameters = (host ?? address).split(';').slice(1);
  const token = parameters.find((text) => /^token=/i.test(text))?.slice('token='.length) ?? '';
  return {
    ...(host === null ? nothing : readUser(splitOnce(user, ':')[0])),
    token: token === '' ? [] : [unescapePercent(token)],
  };
}

/** Escapes are read first: `%3B` is how some write the semicolon of a number's parameters. */
function readUser(text: string): Pick<ReadUri, 'user' | 'userParameters'> {
  const [user = '', ...userParameters] = unescapePercent(text).split(';');
  return { user: user === '' ? null : user, userParameters };
}

function splitOnce(text: string, separator: string): readonly [string, string | null] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}
