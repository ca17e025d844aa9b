/** A URI with its display name and parameters, as in From, To, Contact and Route. */
import {
  endOfQuoted,
  formatParameters,
  parseParameters,
  quote,
  skipBlanks,
  unquote,
  type Parameters,
} from './parameters.js';

/** One From, To, Contact, Route, … value: `"Name" <uri>;params`, or a bare `uri;params` (RFC 3261 §20). */
export interface NameAddr {
  readonly displayName?: string;
  /** As written between the brackets. */
  readonly uri: string;
  /** The parameters of the header field, `tag` for one; those of a bracketed URI are inside `uri`. */
  readonly params: Parameters;
}

const schemePattern = /^[A-Za-z][A-Za-z0-9+.-]*:\S/;

/** Reads one value (not a list: see splitCommas); null when it is malformed. */
export function parseNameAddr(value: string): NameAddr | null {
  let at = skipBlanks(value, 0);
  let displayName: string | undefined;
  if (value[at] === '"') {
    const end = endOfQuoted(value, at);
    if (end < 0) return null;
    displayName = unquote(value.slice(at, end));
    at = skipBlanks(value, end);
    if (value[at] !== '<') return null;
  }
  const open = value.indexOf('<', at);
  if (open < 0) return parseBare(value, at);
  if (open > at) {
    const words = value.slice(at, open).trim();
    // An unquoted name should be tokens and blanks; more is forgiven, but not what looks like a URI with parameters.
    if (/[";,]/.test(words) || schemePattern.test(words)) return parseBare(value, at);
    displayName = words;
  }
  const close = value.indexOf('>', open);
  if (close < 0) return null;
  const uri = value.slice(open + 1, close).trim();
  const params = parseParameters(value, close + 1);
  if (!params || !schemePattern.test(uri) || /[\s<"]/.test(uri)) return null;
  return displayName === undefined || displayName === '' ? { uri, params } : { displayName, uri, params };
}

/** Without brackets everything after the first semicolon belongs to the header field (RFC 3261 §20.10). */
function parseBare(value: string, at: number): NameAddr | null {
  const semicolon = value.indexOf(';', at);
  const uri = (semicolon < 0 ? value.slice(at) : value.slice(at, semicolon)).trim();
  if (!schemePattern.test(uri) || /[\s<>",?]/.test(uri)) return null;
  const params = semicolon < 0 ? new Map<string, string | undefined>() : parseParameters(value, semicolon);
  return params && { uri, params };
}

export function formatNameAddr(address: NameAddr): string {
  const name = address.displayName === undefined ? '' : `${quote(address.displayName)} `;
  return `${name}<${address.uri}>${formatParameters(address.params)}`;
}
