/** Parameters behind semicolons, quoted strings, and lists with commas, as they stand in header fields (RFC 3261 §25.1). */

/** Names are in lower case; a parameter without `=` has the value undefined (use `has`). Order is kept. */
export type Parameters = ReadonlyMap<string, string | undefined>;

const namePattern = /[^\s;=,"<>?@]+/y;
const plainValuePattern = /[^\s;,"<>]*/y;
// Written without quotes: the characters of a token, and those of an IPv6 reference (RFC 3261 §25.1 gen-value).
const unquotedPattern = /^[A-Za-z0-9\-.!%*_+`'~[\]:/@=&$]+$/;

/**
 * Reads `;name=value;name;name="quoted"` from `start` to the end of the text (RFC 3261 §25.1 generic-param). Of a
 * name that is there twice the first one counts. Null when anything else is in the text.
 */
export function parseParameters(text: string, start = 0): Parameters | null {
  const parameters = new Map<string, string | undefined>();
  let at = skipBlanks(text, start);
  while (at < text.length) {
    if (text[at] !== ';') return null;
    at = skipBlanks(text, at + 1);
    // Stray semicolons are common enough to be forgiven.
    if (at === text.length || text[at] === ';') continue;
    const name = match(namePattern, text, at);
    if (!name) return null;
    at = skipBlanks(text, at + name.length);
    let value: string | undefined;
    if (text[at] === '=') {
      at = skipBlanks(text, at + 1);
      if (text[at] === '"') {
        const end = endOfQuoted(text, at);
        if (end < 0) return null;
        value = unquote(text.slice(at, end));
        at = end;
      } else {
        value = match(plainValuePattern, text, at) ?? '';
        at += value.length;
      }
      at = skipBlanks(text, at);
    }
    const key = name.toLowerCase();
    if (!parameters.has(key)) parameters.set(key, value);
  }
  return parameters;
}

/** `;name=value…`, quoting what must be quoted. */
export function formatParameters(parameters: ReadonlyMap<string, string | undefined>): string {
  let text = '';
  for (const [name, value] of parameters) {
    if (value === undefined) text += `;${name}`;
    else text += `;${name}=${unquotedPattern.test(value) ? value : quote(value)}`;
  }
  return text;
}

/** The text as a quoted-string; quotes and backslashes in it are escaped. */
export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** The content of a quoted-string, escapes undone. */
export function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\([\s\S])/g, '$1');
}

/** The index after the quote that closes the one at `start`, or -1. */
export function endOfQuoted(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return -1;
}

/** Splits a list at its commas, not at those inside quotes or angle brackets; empty elements vanish (RFC 3261 §7.3.1). */
export function splitCommas(value: string): string[] {
  if (!value.includes(',')) return value.trim() === '' ? [] : [value.trim()];
  const parts: string[] = [];
  let start = 0;
  let inBrackets = false;
  for (let at = 0; at <= value.length; at += 1) {
    const character = value[at];
    if (character === '"' && !inBrackets) {
      const end = endOfQuoted(value, at);
      // An unclosed quote swallows the rest, as it does for the reader of the element.
      at = end < 0 ? value.length - 1 : end - 1;
    } else if (character === '<') inBrackets = true;
    else if (character === '>') inBrackets = false;
    else if (character === undefined || (character === ',' && !inBrackets)) {
      const part = value.slice(start, at).trim();
      if (part !== '') parts.push(part);
      start = at + 1;
    }
  }
  return parts;
}

/** The index of the first character from `at` on that is neither a space nor a tab. */
export function skipBlanks(text: string, at: number): number {
  while (at < text.length && (text[at] === ' ' || text[at] === '\t')) at += 1;
  return at;
}

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}
