/**
 * Splits a header field's value at a separator, but not within quotes, where it stands for itself (RFC 3261 §25.1). By hand, in one
 * pass: a stranger writes these texts. Pieces keep their blanks and quotes; a quote that is never closed reaches to the end.
 */
export function splitUnquoted(text: string, separator: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    if (isQuoted && text[at] === '\\') at += 1;
    else if (text[at] === '"') isQuoted = !isQuoted;
    else if (text[at] === separator && !isQuoted) {
      pieces.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...pieces, text.slice(start)];
}
