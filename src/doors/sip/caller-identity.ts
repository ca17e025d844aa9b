/**
 * Who calls, out of an INVITE: P-Asserted-Identity (RFC 3325), Remote-Party-ID that came before it
 * (draft-ietf-sip-privacy-04), P-Preferred-Identity, and From, the first of them that there is, in this order or in that of a
 * trunk, and nobody where the caller asked for privacy (RFC 3323). Only shown to people, never trusted: what lets a call in is its token.
 */
import { ownCaller, type Caller } from '../../domain/participants/caller.js';
import { shownName } from '../../domain/participants/shown-name.js';
import { callerPlaces, type CallerIdentity, type CallerPlace } from '../../domain/trunks/trunk.js';
import { unescapePercent } from './percent-escapes.js';
import { splitUnquoted } from './split-unquoted.js';

export interface CallerHeaders {
  get(header: string): string | undefined;
}

/** A stranger writes it; what is longer is not read. */
const maxPrivacyLength = 2048;
/** Identities looked at in P-Asserted-Identity, which may hold a SIP and a tel URI (RFC 3325 §9.1). */
const maxIdentities = 4;

interface NameAddr {
  readonly name: string | null;
  readonly uri: string;
  /** Those of the header field, behind the brackets. */
  readonly parameters: string;
}

/** Null where nobody is named, or the caller does not want to be. `identity`: no other fields are believed. */
export function readCaller(headers: CallerHeaders, identity: CallerIdentity = callerPlaces): Caller | null {
  if (asksForPrivacy(headers)) return null;
  if (!identity.includes('remote-party-id')) return callerOf(believed(headers, identity), () => false);
  const hidden = remoteParties(headers).map(({ parameters }) =>
    parameterOf(parameters, 'privacy').toLowerCase(),
  );
  const isHidden = (part: 'full' | 'name' | 'uri'): boolean =>
    hidden.some((privacy) => privacy.split(/[,-]/).includes(part));
  if (isHidden('full')) return null;
  return callerOf(believed(headers, identity), isHidden);
}

/**
 * The number of whom `readCaller` would name if nobody asked for privacy, which a signature must be for; where there is none, the
 * URI. Of callers without a name, P-Asserted-Identity says who it is whatever else is believed of it: nobody is shown it.
 */
export function claimedCaller(
  headers: CallerHeaders,
  identity: CallerIdentity = callerPlaces,
): readonly string[] {
  const known = (identities: readonly NameAddr[]) => identities.filter(({ uri }) => !isAnonymous(uri));
  const named = known(believed(headers, identity));
  const identities = named.length > 0 ? named : known(readNameAddrs(headers.get('P-Asserted-Identity')));
  const claimed = firstOf(identities, ({ uri }) => numberOf(uri)) ?? identities[0]?.uri;
  return claimed === undefined ? [] : [claimed];
}

/**
 * What a carrier says of its check of the number that `readCaller` shows; null where it says nothing beside that number. What stands
 * in a field that goes behind may be the caller's own word, and is of another number for all that is known.
 */
export function verstatOf(headers: CallerHeaders, identity: CallerIdentity): string | null {
  const known = believed(headers, identity).filter(({ uri }) => !isAnonymous(uri));
  const shown = firstOf(known, ({ uri }) => numberOf(uri));
  if (shown === null) return null;
  // The same number may be there as a SIP and as a tel URI.
  const named = known.filter(({ uri }) => numberOf(uri) === shown);
  return firstOf(named, ({ uri }) => parameterOf(uri.replace('@', ';'), 'verstat') || null);
}

/** Whether the number that `readCaller` shows is that of From: what a carrier says of the caller without saying of which number is of that. */
export function isShownFrom(headers: CallerHeaders, identity: CallerIdentity): boolean {
  const known = believed(headers, identity).filter(({ uri }) => !isAnonymous(uri));
  const shown = firstOf(known, ({ uri }) => numberOf(uri));
  return shown !== null && shown === firstOf(namedAt(headers, 'from'), ({ uri }) => numberOf(uri));
}

/** The identities that go before all others, of those that are there. */
function believed(headers: CallerHeaders, identity: CallerIdentity): readonly NameAddr[] {
  for (const place of identity) {
    const named = namedAt(headers, place);
    if (named.length > 0) return named;
  }
  return [];
}

function namedAt(headers: CallerHeaders, place: CallerPlace): readonly NameAddr[] {
  switch (place) {
    case 'p-asserted-identity':
      return readNameAddrs(headers.get('P-Asserted-Identity'));
    case 'remote-party-id':
      return remoteParties(headers);
    case 'p-preferred-identity':
      return readNameAddrs(headers.get('P-Preferred-Identity')).slice(0, 1);
    case 'from':
      return readNameAddrs(headers.get('From')).slice(0, 1);
  }
}

/** Remote-Party-ID of who calls: others are of who is called, or of a third (draft-ietf-sip-privacy-04 §4). */
function remoteParties(headers: CallerHeaders): readonly NameAddr[] {
  return readNameAddrs(headers.get('Remote-Party-ID')).filter(({ parameters }) =>
    /^(?:calling)?$/i.test(parameterOf(parameters, 'party')),
  );
}

function callerOf(
  identities: readonly NameAddr[],
  isHidden: (part: 'name' | 'uri') => boolean,
): Caller | null {
  const known = identities.filter(({ uri }) => !isAnonymous(uri));
  const number = isHidden('uri') ? null : firstOf(known, ({ uri }) => numberOf(uri));
  const name = isHidden('name') ? null : firstOf(known, ({ name: display }) => display);
  return number === null && name === null ? null : ownCaller({ number, name });
}

/** The URI of a From or To (RFC 3261 §20.10). */
export function addressIn(field: string): string {
  const open = field.lastIndexOf('<');
  const text = open === -1 ? (field.split(';', 1)[0] ?? '') : (field.slice(open + 1).split('>', 1)[0] ?? '');
  return text.trim();
}

/** Empty where there is none of that name. What looks like one in the quoted value of another is none. */
function parameterOf(parameters: string, name: string): string {
  const found = splitUnquoted(parameters, ';')
    .map((parameter) => parameter.split('='))
    .find(([key]) => key?.trim().toLowerCase() === name);
  return (found?.[1] ?? '').trim().replaceAll('"', '');
}

/** `id` is RFC 3325's; `user` and `header` ask to hide the same (RFC 3323 §4.2); some write the `full` of Remote-Party-ID, or quotes. */
export function asksForPrivacy(headers: CallerHeaders): boolean {
  const privacy = headers.get('Privacy');
  if (privacy === undefined) return false;
  const values = privacy
    .slice(0, maxPrivacyLength)
    .toLowerCase()
    .split(/[;,]/)
    .map((value) => value.replaceAll('"', '').trim());
  return ['id', 'user', 'header', 'full'].some((value) => values.includes(value));
}

/** RFC 3323 §4.1: `sip:anonymous@anonymous.invalid`. Browsers make up users of `.invalid` hosts too (RFC 7118). */
function isAnonymous(uri: string): boolean {
  return (
    /^sips?:(?:anonymous|unavailable|restricted|unknown)@/i.test(uri) || /\.invalid(?:[:;?]|$)/i.test(uri)
  );
}

/** A telephone number without its visual separators; null for a user that is none. */
function numberOf(uri: string): string | null {
  const user = /^(?:sips?|tel):([^@;:?]+)/i.exec(uri)?.[1];
  if (user === undefined || (!uri.toLowerCase().startsWith('tel:') && !uri.includes('@'))) return null;
  const number = unescapePercent(user).replace(/[-.() ]/g, '');
  return /^\+?[0-9*#]{1,32}$/.test(number) && /[0-9]/.test(number) ? number : null;
}

/**
 * One pass by hand: a display name may hold commas, semicolons and escaped quotes; some leave the quotes out. The header may be as
 * long as a message: who has a long name keeps the number.
 */
function readNameAddrs(header: string | undefined): NameAddr[] {
  const found: NameAddr[] = [];
  if (header === undefined) return found;
  let at = 0;
  while (at < header.length && found.length < maxIdentities) {
    const start = at;
    let name = '';
    while (header[at] === ' ' || header[at] === ',' || header[at] === '\t') at += 1;
    if (header[at] === '"') {
      for (at += 1; at < header.length && header[at] !== '"'; at += 1) {
        if (header[at] === '\\') at += 1;
        name += header[at] ?? '';
      }
      at += 1;
    }
    const end = endOf(header, at);
    const openAfter = header.slice(at, end).indexOf('<');
    if (openAfter !== -1) {
      const open = at + openAfter;
      const close = header.indexOf('>', open);
      if (close === -1) break;
      name ||= header.slice(at, open);
      at = endOf(header, close, true);
      found.push({
        name: cleanName(name),
        uri: header.slice(open + 1, close).trim(),
        parameters: header.slice(close + 1, at),
      });
    } else {
      // addr-spec: what follows a semicolon is a parameter of the header (RFC 3261 §20.10).
      const [uri = '', ...parameters] = header.slice(at, end).split(';');
      if (uri.trim() !== '')
        found.push({ name: cleanName(name), uri: uri.trim(), parameters: parameters.join(';') });
      at = end;
    }
    if (at <= start) at = start + 1;
  }
  return found;
}

/**
 * Where the identity that begins at `from` ends: the next comma outside of angle brackets that has a URI before it. What has none
 * is a part of a name whose quotes were left out.
 */
function endOf(header: string, from: number, isBehindUri = false): number {
  let depth = 0;
  let hasUri = isBehindUri;
  let isQuoted = false;
  for (let at = from; at < header.length; at += 1) {
    // A parameter's value, such as a list of what is to be hidden. In a name that lacks quotes they mean nothing.
    if (header[at] === '"' && isBehindUri) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (header[at] === ':') hasUri = true;
    else if (header[at] === '<') depth += 1;
    else if (header[at] === '>') depth -= 1;
    else if (header[at] === ',' && depth <= 0 && hasUri) return at;
  }
  return header.length;
}

function cleanName(name: string): string | null {
  const shown = shownName(name);
  return shown === null || /^(?:anonymous|unavailable|restricted|unknown)$/i.test(shown) ? null : shown;
}

function firstOf<T>(identities: readonly NameAddr[], read: (identity: NameAddr) => T | null): T | null {
  for (const identity of identities) {
    const value = read(identity);
    if (value !== null) return value;
  }
  return null;
}
