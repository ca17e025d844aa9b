/** Cuts a multipart body (RFC 2046 §5.1) into its parts. In one pass and with limits: a stranger writes it. */
import { splitUnquoted } from './split-unquoted.js';

export interface BodyPart {
  /** Null where there is none; the name in lower case. */
  header(name: string): string | null;
  readonly content: string;
}

/** More are not looked at. */
const maxParts = 32;
const maxBoundaryLength = 200;

/** The boundary of a multipart Content-Type; null where there is none. */
export function boundaryOf(contentType: string): string | null {
  const [, ...parameters] = splitUnquoted(contentType, ';');
  const value = parameters
    .map((parameter) => /^\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/i.exec(parameter))
    .find((match) => match !== null);
  // Blanks at the end belong to no boundary, but to what a relay may have added.
  const boundary = (value?.[1]?.replaceAll(/\\(.)/g, '$1') ?? value?.[2] ?? '').trimEnd();
  return boundary === '' || boundary.length > maxBoundaryLength ? null : boundary;
}

/**
 * The media type without its parameters, in small letters; blanks may stand about its slash (RFC 3261 §25.1). Of several, which
 * a header field that is there twice reads as, the first.
 */
export function mediaTypeOf(contentType: string): string {
  const [type = ''] = contentType.split(/[;,]/, 1);
  return type
    .split('/')
    .map((half) => half.trim().toLowerCase())
    .join('/');
}

/** What stands before the first part and behind the last is left out; a last delimiter may be missing. */
export function parseMultipart(body: string, boundary: string): BodyPart[] {
  const parts: BodyPart[] = [];
  let begin: number | null = null;
  for (const { at, end, isLast } of delimitersIn(body, `--${boundary}`)) {
    if (begin !== null) parts.push(readPart(body.slice(begin, beforeLineEnd(body, at))));
    begin = isLast ? null : end;
    if (isLast || parts.length === maxParts) return parts;
  }
  if (begin !== null) parts.push(readPart(body.slice(begin)));
  return parts;
}

interface Delimiter {
  readonly at: number;
  /** Where the next line begins. */
  readonly end: number;
  readonly isLast: boolean;
}

function* delimitersIn(body: string, delimiter: string): Generator<Delimiter> {
  for (let at = body.indexOf(delimiter); at !== -1; at = body.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && body[at - 1] !== '\n') continue;
    const lineEnd = body.indexOf('\n', at);
    const end = lineEnd === -1 ? body.length : lineEnd + 1;
    const rest = body.slice(at + delimiter.length, end).trim();
    // Anything else is a line of text that begins alike.
    if (rest === '' || rest === '--') yield { at, end, isLast: rest === '--' };
  }
}

/** The line end before a delimiter belongs to the delimiter. */
function beforeLineEnd(body: string, at: number): number {
  if (body[at - 1] !== '\n') return at;
  return body[at - 2] === '\r' ? at - 2 : at - 1;
}

function readPart(text: string): BodyPart {
  const headers = new Map<string, string>();
  let name = '';
  let at = 0;
  while (at < text.length) {
    const lineEnd = text.indexOf('\n', at);
    const line = text.slice(at, lineEnd === -1 ? text.length : lineEnd).trimEnd();
    at = lineEnd === -1 ? text.length : lineEnd + 1;
    if (line === '') break;
    const colon = line.indexOf(':');
    if (/^[ \t]/.test(line)) headers.set(name, `${headers.get(name) ?? ''} ${line.trim()}`);
    else if (colon > 0) {
      name = line.slice(0, colon).trim().toLowerCase();
      if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
    }
  }
  return { header: (wanted) => headers.get(wanted) ?? null, content: text.slice(at) };
}
