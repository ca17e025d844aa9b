/**
 * The Identity header field (RFC 8224 §4): a signature, where the certificate is, and which kind it is.
 *
 *   Identity: <header>.<claims>.<signature>;info=<https://…>;alg=ES256;ppt=shaken
 *
 * The compact form leaves header and claims out (`..<signature>`): they are made anew out of the request.
 */

/** One Identity field, split and not yet understood. */
export interface IdentityField {
  /** Empty in the compact form. */
  readonly header: string;
  readonly claims: string;
  readonly signature: string;
  /** The URL that stands beside the signature; null where none does. */
  readonly info: string | null;
  readonly alg: string | null;
  readonly ppt: string | null;
}

/**
 * The fields of all Identity headers of a request, joined by commas as header parsers do. Null stands for one that cannot be read.
 * Commas and semicolons in quotes or angle brackets separate nothing, unless another field begins behind them: then they were never
 * closed, and spoil one field alone. At most `max` are looked at.
 */
export function parseIdentity(text: string, max: number): readonly (IdentityField | null)[] {
  const fields: (IdentityField | null)[] = [];
  for (const part of splitOutside(text, ',', max + 1, fieldBegins)) {
    if (part.trim() === '') continue;
    if (fields.length === max) break;
    fields.push(parseField(part));
  }
  return fields;
}

/** The value of an Identity header in its full form. */
export function formatIdentity(token: string, info: string, ppt: string | null): string {
  return `${token};info=<${info}>;alg=ES256${ppt === null ? '' : `;ppt=${ppt}`}`;
}

function parseField(part: string): IdentityField | null {
  const [token = '', ...parameters] = splitOutside(part, ';', maxParameters).map((text) => text.trim());
  const pieces = token.split('.');
  const [header, claims, signature] = pieces;
  if (pieces.length !== 3 || header === undefined || claims === undefined || !signature) return null;
  // One without the other is neither form.
  if ((header === '') !== (claims === '')) return null;
  const valueOf = (name: string): string | null => {
    const found = parameters.find((text) => text.slice(0, name.length + 1).toLowerCase() === `${name}=`);
    return found === undefined ? null : unwrap(found.slice(name.length + 1).trim());
  };
  return { header, claims, signature, info: valueOf('info'), alg: valueOf('alg'), ppt: valueOf('ppt') };
}

const maxParameters = 16;
/** A token and a semicolon; URLs of certificates have no semicolon. */
const fieldBegins = /[ \t]*[\w-]*\.[\w-]*\.[\w-]+[ \t]*;/y;

function unwrap(value: string): string {
  const [first, last] = [value[0], value.at(-1)];
  const isWrapped = value.length >= 2 && ((first === '"' && last === '"') || (first === '<' && last === '>'));
  return isWrapped ? value.slice(1, -1).trim() : value;
}

/**
 * Splits outside of quotes and angle brackets, in one pass, and within them where `begins` matches what follows; what comes behind
 * the last of `max` parts is left out.
 */
function splitOutside(text: string, separator: string, max: number, begins?: RegExp): string[] {
  const isBeginning = (at: number): boolean => {
    if (begins === undefined) return false;
    begins.lastIndex = at;
    return begins.test(text);
  };
  const parts: string[] = [];
  let start = 0;
  let closer: string | null = null;
  for (let at = 0; at < text.length && parts.length < max; at += 1) {
    const letter = text[at];
    if (letter === separator && (closer === null || isBeginning(at + 1))) {
      parts.push(text.slice(start, at));
      start = at + 1;
      closer = null;
    } else if (closer !== null) {
      if (letter === '\\' && closer === '"' && text[at + 1] !== separator) at += 1;
      else if (letter === closer) closer = null;
    } else if (letter === '"') closer = '"';
    else if (letter === '<') closer = '>';
  }
  if (parts.length < max) parts.push(text.slice(start));
  return parts;
}
