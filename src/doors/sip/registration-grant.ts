/** What a registrar granted (RFC 3261 §10.2.4). */

export interface GrantFields {
  /** Several are joined with commas. */
  readonly contact: string | undefined;
  readonly expires: string | undefined;
}

/**
 * For how many seconds our Contact, which has this user, is registered; 0: it is not. Registrars show others' Contacts beside it and
 * write ours anew: it is known by its user, or where it is the only one. Never more than was asked for: who grants a year is asked
 * again all the same.
 */
export function grantedSeconds(
  { contact, expires }: GrantFields,
  user: string,
  askedSeconds: number,
): number {
  const general = secondsIn(expires) ?? askedSeconds;
  const contacts = addressesIn(contact ?? '');
  if (contacts.length === 0) return Math.min(general, askedSeconds);
  const ours =
    contacts.find((text) => userIn(text) === user) ?? (contacts.length === 1 ? contacts[0] : undefined);
  if (ours === undefined) return 0;
  return Math.min(secondsIn(expiresIn(ours)) ?? general, askedSeconds);
}

/** Null for what is no number of seconds. */
export function secondsIn(text: string | undefined): number | null {
  const digits = /^\s*(\d{1,12})\s*(?:$|[;(])/.exec(text ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Commas within quotes and brackets are an address's own. In one pass: a registrar may have hundreds of us, or mean us ill. */
function addressesIn(field: string): string[] {
  const addresses: string[] = [];
  let start = 0;
  let isQuoted = false;
  let isBracketed = false;
  for (let at = 0; at < field.length; at += 1) {
    const character = field[at];
    if (isQuoted && character === '\\') at += 1;
    else if (character === '"' && !isBracketed) isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === '<') isBracketed = true;
    else if (character === '>') isBracketed = false;
    else if (character === ',' && !isBracketed) {
      addresses.push(field.slice(start, at));
      start = at + 1;
    }
  }
  return [...addresses, field.slice(start)].map((text) => text.trim()).filter((text) => text !== '');
}

/** Longer than any that we tell. */
const maxUserLength = 256;
const userPattern = new RegExp(`sips?:([^@<>;"\\s]{1,${String(maxUserLength)}})@`, 'i');

function userIn(contact: string): string | null {
  return userPattern.exec(contact)?.[1] ?? null;
}

/** The parameter of the field, not one of the URI. */
function expiresIn(contact: string): string | undefined {
  const afterUri = contact.includes('>') ? contact.slice(contact.lastIndexOf('>')) : contact;
  return /;\s*expires\s*=\s*"?(\d{1,12})/i.exec(afterUri)?.[1];
}
