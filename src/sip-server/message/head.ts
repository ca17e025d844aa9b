/** Splits the head of a message into its lines and fields. */
import { HeaderFields } from './header-fields.js';
import { headerKey } from './header-names.js';
import { splitCommas } from './parameters.js';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

export interface HeadEnd {
  /** Length of the start line and header fields, without the line break that ends the last. */
  readonly end: number;
  /** Where the body begins: after the empty line. */
  readonly bodyStart: number;
}

/** Finds the empty line, written CRLF or (leniently) LF, that ends the header fields. `from` saves a repeated search. */
export function findHeadEnd(bytes: Buffer, from = 0): HeadEnd | null {
  for (let at = bytes.indexOf(lineFeed, from); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) {
    const next = bytes[at + 1] === carriageReturn ? at + 2 : at + 1;
    if (bytes[next] === lineFeed) {
      return { end: at > 0 && bytes[at - 1] === carriageReturn ? at - 1 : at, bodyStart: next + 1 };
    }
  }
  return null;
}

/** Number of bytes of CR and LF before the start line (RFC 3261 §7.5). */
export function countLeadingBreaks(bytes: Buffer): number {
  let count = 0;
  while (bytes[count] === carriageReturn || bytes[count] === lineFeed) count += 1;
  return count;
}

export interface HeadLimits {
  readonly maxHeaderFields: number;
  readonly maxLineBytes: number;
}

export interface Head {
  readonly startLine: string;
  readonly headers: HeaderFields;
  /** The first thing that is wrong; what could be read is in `headers` all the same. */
  readonly fault?: string;
}

// A list in one field means the same as a field each (RFC 3261 §7.3.1); one each spares every reader the splitting.
const commaSeparatedFields = new Set(['via', 'route', 'record-route']);
const fieldPattern = /^([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*:[ \t]*([\s\S]*)$/;

/** Splits the start line and header fields, unfolding continued lines (RFC 3261 §7.3.1). Never throws. */
export function readHead(text: string, limits: HeadLimits): Head {
  let fault = /\0|\r(?!\n)/.test(text) ? 'control character in the header fields' : undefined;
  const lines = text.split(/\r?\n/);
  const startLine = lines[0] ?? '';
  if (startLine.length > limits.maxLineBytes) fault ??= 'start line too long';
  const headers = new HeaderFields();
  let index = 1;
  while (index < lines.length) {
    let line = lines[index] ?? '';
    index += 1;
    if (line.startsWith(' ') || line.startsWith('\t')) {
      fault ??= 'first header field is a continuation';
      continue;
    }
    if (isContinuation(lines[index])) {
      const parts = [line.trimEnd()];
      while (isContinuation(lines[index])) {
        parts.push((lines[index] ?? '').trim());
        index += 1;
      }
      line = parts.join(' ');
    }
    if (line.length > limits.maxLineBytes) {
      fault ??= 'header field too long';
      continue;
    }
    const parts = fieldPattern.exec(line);
    if (!parts) {
      fault ??= 'header field without a name';
      continue;
    }
    for (const value of valuesOf(parts[1] ?? '', (parts[2] ?? '').trim())) {
      if (headers.size >= limits.maxHeaderFields)
        return { startLine, headers, fault: 'too many header fields' };
      headers.append(parts[1] ?? '', value);
    }
  }
  return fault === undefined ? { startLine, headers } : { startLine, headers, fault };
}

function isContinuation(line: string | undefined): boolean {
  return line !== undefined && (line.startsWith(' ') || line.startsWith('\t'));
}

function valuesOf(name: string, value: string): string[] {
  return (value === '' || value.includes(',')) && commaSeparatedFields.has(headerKey(name))
    ? splitCommas(value)
    : [value];
}
