/** SIP, SIPS and TEL URIs (RFC 3261 §19.1, RFC 3966). */
import { formatHostPort, parseHostPort } from './host-port.js';
import type { Parameters } from './parameters.js';

/** A sip, sips or tel URI (RFC 3261 §19.1, RFC 3966). Escapes such as `%41` are left as written. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips' | 'tel';
  /** The user part; in a tel URI the number. */
  readonly user?: string;
  readonly password?: string;
  /** IPv6 without brackets; the empty string in a tel URI. */
  readonly host: string;
  readonly port?: number;
  /** Names in lower case. */
  readonly params: Parameters;
  /** The part after `?`, names as written. */
  readonly headers: Map<string, string>;
}

const forbiddenCharacters = /[\x00-\x20\x7f<>"]/;

/** Reads a URI; null when it is no sip, sips or tel URI, or is malformed. */
export function parseUri(text: string): SipUri | null {
  const colon = text.indexOf(':');
  if (colon < 0 || forbiddenCharacters.test(text)) return null;
  const scheme = text.slice(0, colon).toLowerCase();
  const rest = text.slice(colon + 1);
  if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, rest);
  return scheme === 'tel' ? parseTel(rest) : null;
}

function parseSip(scheme: 'sip' | 'sips', rest: string): SipUri | null {
  // The user part may contain `;`, `?` and `/`; an `@` ends it, and only there can one stand unescaped.
  const at = rest.indexOf('@');
  const userinfo = at < 0 ? undefined : rest.slice(0, at);
  const remainder = rest.slice(at + 1);
  const question = remainder.indexOf('?');
  const beforeHeaders = question < 0 ? remainder : remainder.slice(0, question);
  const [hostText = '', ...paramTexts] = beforeHeaders.split(';');
  const hostPort = parseHostPort(hostText);
  const params = parseUriParams(paramTexts);
  const headers = parseUriHeaders(question < 0 ? '' : remainder.slice(question + 1));
  if (!hostPort || !params || !headers) return null;
  if (userinfo === undefined) return { scheme, ...hostPort, params, headers };
  const passwordAt = userinfo.indexOf(':');
  const user = passwordAt < 0 ? userinfo : userinfo.slice(0, passwordAt);
  if (user === '') return null;
  if (passwordAt < 0) return { scheme, user, ...hostPort, params, headers };
  return { scheme, user, password: userinfo.slice(passwordAt + 1), ...hostPort, params, headers };
}

function parseTel(rest: string): SipUri | null {
  const [user = '', ...paramTexts] = rest.split(';');
  const params = parseUriParams(paramTexts);
  // Visual separators are allowed (RFC 3966 §5.1.1), and a local number may have letters of hexadecimal.
  if (!params || !/^\+?[0-9A-Fa-f*#().-]+$/.test(user)) return null;
  return { scheme: 'tel', user, host: '', params, headers: new Map() };
}

function parseUriParams(texts: readonly string[]): Parameters | null {
  const params = new Map<string, string | undefined>();
  for (const text of texts) {
    // As in header fields, stray semicolons are forgiven.
    if (text === '') continue;
    const equals = text.indexOf('=');
    const name = (equals < 0 ? text : text.slice(0, equals)).toLowerCase();
    if (name === '') return null;
    if (!params.has(name)) params.set(name, equals < 0 ? undefined : text.slice(equals + 1));
  }
  return params;
}

function parseUriHeaders(text: string): Map<string, string> | null {
  const headers = new Map<string, string>();
  if (text === '') return headers;
  for (const part of text.split('&')) {
    const equals = part.indexOf('=');
    if (equals <= 0) return null;
    headers.set(part.slice(0, equals), part.slice(equals + 1));
  }
  return headers;
}

export function formatUri(uri: SipUri): string {
  return `${uri.scheme}:${formatUserInfo(uri, false)}${formatTail(uri)}`;
}

/** The URI for a log: no password, no headers, and no value of a `token` parameter. */
export function redactUri(uri: SipUri): string {
  const params = new Map(uri.params);
  if (params.has('token')) params.set('token', '***');
  return `${uri.scheme}:${formatUserInfo(uri, true)}${formatTail({ ...uri, params, headers: new Map() })}`;
}

function formatUserInfo(uri: SipUri, redact: boolean): string {
  if (uri.user === undefined) return '';
  if (uri.scheme === 'tel') return uri.user;
  const password = uri.password === undefined ? '' : `:${redact ? '***' : uri.password}`;
  return `${uri.user}${password}@`;
}

function formatTail(uri: SipUri): string {
  let text = uri.scheme === 'tel' ? '' : formatHostPort(uri.host, uri.port);
  for (const [name, value] of uri.params) text += value === undefined ? `;${name}` : `;${name}=${value}`;
  let separator = '?';
  for (const [name, value] of uri.headers) {
    text += `${separator}${name}=${value}`;
    separator = '&';
  }
  return text;
}

/** Characters meant by `%hh`, as UTF-8; what is no escape, or no UTF-8, stays as written (RFC 3261 §19.1.2). */
export function unescapeUri(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Writes text so that it can stand in the user part of a URI (RFC 3261 §25.1 user). */
export function escapeUser(text: string): string {
  return encodeURIComponent(text).replace(/%(?:26|3D|2B|24|2C|3B|3F|2F)/g, (escaped) =>
    decodeURIComponent(escaped),
  );
}
