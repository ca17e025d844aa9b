/** Reads and writes the parameters of challenges and credentials (RFC 3261 §25.1, RFC 7235 §2.1). */

/** Names in lower case; values without their quotes. */
export type AuthParameters = ReadonlyMap<string, string>;

/** One `Digest …` of a header field. */
export interface SchemeParameters {
  readonly scheme: string;
  readonly parameters: AuthParameters;
}

/** What is longer is not read: a stranger writes it. */
const maxLength = 8192;
const maxSchemes = 16;
const token = /[^\s",=]+/y;
const space = /[\s,]*/y;

/**
 * All schemes of a field, also of several fields that were joined with commas. Lines may be folded. What cannot be read ends the
 * reading: what came before it counts.
 */
export function readSchemes(field: string): readonly SchemeParameters[] {
  const schemes: { scheme: string; parameters: Map<string, string> }[] = [];
  if (field.length > maxLength) return schemes;
  let at = 0;
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const text = pattern.exec(field)?.[0] ?? '';
    at += text.length;
    return text;
  };
  /** Null where it has no end. */
  const takeQuoted = (): string | null => {
    let value = '';
    for (at += 1; at < field.length && field[at] !== '"'; at += 1) {
      if (field[at] === '\\') at += 1;
      value += field[at] ?? '';
    }
    if (at >= field.length) return null;
    at += 1;
    return value;
  };
  for (;;) {
    take(space);
    const name = take(token);
    if (name === '') return schemes;
    const afterName = at;
    take(/\s*/y);
    if (field[at] !== '=') {
      // Two words behind one another: the first is a scheme.
      at = afterName;
      if (schemes.length === maxSchemes || !/\s/.test(field[at] ?? '')) return schemes;
      schemes.push({ scheme: name, parameters: new Map() });
      continue;
    }
    // The end of other schemes' base64 has several.
    take(/=+/y);
    take(/\s*/y);
    const value = field[at] === '"' ? takeQuoted() : take(token);
    const scheme = schemes.at(-1);
    if (value === null || scheme === undefined) return schemes;
    const key = name.toLowerCase();
    if (!scheme.parameters.has(key)) scheme.parameters.set(key, value);
  }
}

export function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
