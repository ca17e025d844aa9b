/**
 * Reads User-to-User (RFC 7433): several values, in several header fields or comma-separated in one, each with an
 * `encoding` parameter (`hex` by the RFC; `base64` and `jwt` as Bandwidth writes them). Carriers put values of their own
 * beside ours, and what went through ISDN has its protocol discriminator in front (ITU-T Q.931 §4.5.30).
 */
import { ownText } from '../../domain/own-text.js';
import { unescapePercent } from './percent-escapes.js';
import { splitUnquoted } from './split-unquoted.js';

export interface UserToUserValue {
  readonly value: string;
  /** Lower case; null where none is given. */
  readonly encoding: string | null;
}

export interface UserToUser {
  /** What may be read out of the values, in their order; whether it is a credential is for the reader to say. */
  readonly texts: readonly string[];
  /** Those that are said to be tokens. */
  readonly labelled: readonly string[];
  /** Bandwidth's voice call id: 40 hex digits, labelled base64 though they are not. */
  readonly voiceCallId: string | null;
}

const maxLength = 8192;
const voiceCallIdForm = /^[0-9a-f]{40}$/i;
/** The discriminators below 0x20; a printable first octet is text. */
const lastDiscriminator = 0x1f;
/** Padding and line ends about a text. */
const padding = new Set([0x00, 0x09, 0x0a, 0x0d, 0x20]);

export function readUserToUser(header: string): UserToUser {
  const texts: string[] = [];
  const labelled: string[] = [];
  let voiceCallId: string | null = null;
  for (const candidate of parseUserToUser(header)) {
    if (voiceCallId === null && candidate.encoding !== 'jwt' && voiceCallIdForm.test(candidate.value)) {
      voiceCallId = ownText(candidate.value.toLowerCase());
    } else {
      texts.push(...decode(candidate));
      if (candidate.encoding === 'jwt') labelled.push(candidate.value);
    }
  }
  return { texts, labelled, voiceCallId };
}

/** Splits into values and their encodings. What is longer than 8 kB is not looked at. */
export function parseUserToUser(header: string): UserToUserValue[] {
  if (header.length > maxLength) return [];
  const values: UserToUserValue[] = [];
  for (const part of splitUnquoted(header, ',')) {
    // Some platforms pass the field on percent-encoded as a whole: `JWT%3Bencoding%3Djwt`.
    const text = part.includes(';') ? part : unescapePercent(part);
    const [value = '', ...parameters] = splitUnquoted(text, ';').map((piece) => piece.trim());
    if (value === '') continue;
    values.push({
      value: unquote(value),
      encoding: parameterValue(parameters, 'encoding')?.toLowerCase() ?? null,
    });
  }
  return values;
}

function decode({ value, encoding }: UserToUserValue): readonly string[] {
  // Neither hex nor base64 has dots: what has them is a JWT, whatever the label says (some platforms fix the label).
  if (value.includes('.')) return [value];
  switch (encoding) {
    case 'base64':
      return textsOf(Buffer.from(value, 'base64'));
    case 'hex':
      return hex(value);
    case null:
      // Hex is the RFC's default, yet short values come without a label, too: of an even number of hex digits, both.
      return [...hex(value), value];
    default:
      return [value];
  }
}

/** Nothing where any of it is not hex: `Buffer.from` would stop there and pass the beginning for the whole. */
function hex(value: string): readonly string[] {
  return /^(?:[0-9a-f]{2})+$/i.test(value) ? textsOf(Buffer.from(value, 'hex')) : [];
}

/**
 * The text that bytes are, with or without a protocol discriminator in front, or the texts in the elements behind it where
 * there are such: an identifier, a length, and that many bytes, to the end (shared user-to-user data of PBXs).
 */
function textsOf(bytes: Buffer): readonly string[] {
  const whole = printable(bytes);
  if (whole !== null) return [whole];
  if ((bytes[0] ?? 0xff) > lastDiscriminator) return [];
  const data = bytes.subarray(1);
  const text = printable(data);
  return text === null ? elementsOf(data).flatMap((element) => printable(element) ?? []) : [text];
}

function elementsOf(data: Buffer): readonly Buffer[] {
  const elements: Buffer[] = [];
  let at = 0;
  while (at < data.length) {
    const end = at + 2 + (data[at + 1] ?? data.length);
    if (end > data.length) return [];
    elements.push(data.subarray(at + 2, end));
    at = end;
  }
  return elements;
}

/** Decoded bytes that are no printable ASCII cannot be a credential. */
function printable(bytes: Buffer): string | null {
  let from = 0;
  let to = bytes.length;
  while (from < to && padding.has(bytes[from] ?? 0)) from += 1;
  while (to > from && padding.has(bytes[to - 1] ?? 0)) to -= 1;
  const text = bytes.toString('latin1', from, to);
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

function unquote(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"')
    ? text.slice(1, -1).replaceAll(/\\(.)/g, '$1')
    : text;
}
