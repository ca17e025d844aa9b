/** A URI with its display name and parameters, as in From, To, Contact and Route. */
import {
  endOfQuoted,
  formatParameters,
  parseParameters,
  quote,
  skipBlanks,
  splitCommas,
  unquote,
  type Parameters,
} from './parameters.js';
import { parseUri } from './uri.js';

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
  const start = skipBlanks(value, 0);
  const quotedEnd = value[start] === '"' ? endOfQuoted(value, start) : start;
  if (quotedEnd < 0) return null;
  const open = value.indexOf('<', quotedEnd);
  if (open < 0) return parseBare(value, start);
  const words = value.slice(start, open).trim();
  if (schemePattern.test(words)) return parseBare(value, start);
  const displayName = readDisplayName(words);
  const close = value.indexOf('>', open);
  if (close < 0) return null;
  const uri = value.slice(open + 1, close).trim();
  const params = parseParameters(value, close + 1);
  // Blanks in it, as in `sip:John Doe@pbx`, are forgiven where nothing is sent to it: what is, is read as a URI.
  if (!params || !schemePattern.test(uri) || /[^\S ]|[<"]/.test(uri)) return null;
  return displayName === '' ? { uri, params } : { displayName, uri, params };
}

/** A quoted string, or tokens and blanks. More is forgiven: commas without quotes, quotes about quotes. */
function readDisplayName(words: string): string {
  const isQuoted = words.startsWith('"') && endOfQuoted(words, 0) === words.length;
  return isQuoted ? unquote(words) : words.replaceAll('"', '').trim();
}

/** Splits a list of addresses at its commas, but for those in a display name that should have had quotes. */
export function splitAddresses(value: string): string[] {
  const addresses: string[] = [];
  let name = '';
  for (const part of splitCommas(value)) {
    if (part !== '*' && !part.includes('<') && !schemePattern.test(part)) name += `${part}, `;
    else {
      addresses.push(name + part);
      name = '';
    }
  }
  if (name !== '') addresses.push(name);
  return addresses;
}

/** The URI of the first of the addresses; null where that is none that could be called by SIP. */
export function firstSipUri(value: string): string | null {
  const uri = parseNameAddr(splitAddresses(value)[0] ?? '')?.uri ?? null;
  const scheme = uri === null ? null : parseUri(uri)?.scheme;
  return scheme === 'sip' || scheme === 'sips' ? uri : null;
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
