/**
 * Reads User-to-User (RFC 7433): several values, in several header fields or comma-separated in one, each with an
 * `encoding` parameter (`hex` by the RFC; `base64` and `jwt` as Bandwidth writes them).
 */
export interface UserToUserValue {
  readonly value: string;
  /** Lower case; null where none is given. */
  readonly encoding: string | null;
}

export interface UserToUser {
  /** The first value that can be a credential, decoded. */
  readonly credential: string | null;
  /** Bandwidth's voice call id: 40 hex digits, labelled base64 though they are not. */
  readonly voiceCallId: string | null;
}

const maxLength = 8192;
const voiceCallIdForm = /^[0-9a-f]{40}$/i;

export function readUserToUser(header: string): UserToUser {
  let credential: string | null = null;
  let voiceCallId: string | null = null;
  for (const candidate of parseUserToUser(header)) {
    if (voiceCallId === null && candidate.encoding !== 'jwt' && voiceCallIdForm.test(candidate.value)) {
      voiceCallId = candidate.value.toLowerCase();
    } else {
      credential ??= decode(candidate);
    }
  }
  return { credential, voiceCallId };
}

/** Splits into values and their encodings. What is longer than 8 kB is not looked at. */
export function parseUserToUser(header: string): UserToUserValue[] {
  if (header.length > maxLength) return [];
  const values: UserToUserValue[] = [];
  for (const part of splitUnquoted(header, ',')) {
    // Some platforms pass the field on percent-encoded as a whole: `JWT%3Bencoding%3Djwt`.
    const text = part.includes(';') ? part : percentDecode(part);
    const [value = '', ...parameters] = splitUnquoted(text, ';').map((piece) => piece.trim());
    if (value === '') continue;
    values.push({
      value: unquote(value),
      encoding: parameterValue(parameters, 'encoding')?.toLowerCase() ?? null,
    });
  }
  return values;
}

function decode({ value, encoding }: UserToUserValue): string | null {
  // Neither hex nor base64 has dots: what has them is a JWT, whatever the label says (some platforms fix the label).
  if (value.includes('.')) return value;
  switch (encoding) {
    case 'base64':
      return printable(Buffer.from(value, 'base64'));
    case 'hex':
      return hex(value);
    case null:
      // Hex is the RFC's default, yet short values come without a label, too.
      return hex(value) ?? value;
    default:
      return value;
  }
}

/** Null where any of it is not hex: `Buffer.from` would stop there and pass the beginning for the whole. */
function hex(value: string): string | null {
  return /^(?:[0-9a-f]{2})+$/i.test(value) ? printable(Buffer.from(value, 'hex')) : null;
}

/** Decoded bytes that are no printable ASCII cannot be a token; then nothing was shown. */
function printable(bytes: Buffer): string | null {
  const text = bytes.toString('latin1');
  return /^[\x21-\x7e]+$/.test(text) ? text : null;
}

function parameterValue(parameters: readonly string[], name: string): string | null {
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    if (equals === -1 || parameter.slice(0, equals).trim().toLowerCase() !== name) continue;
    return unquote(parameter.slice(equals + 1).trim());
  }
  return null;
}

function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (quoted && character === '\\') index += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"')
    ? text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
    : text;
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
