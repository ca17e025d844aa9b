/** Undoes the percent escapes of URIs and header values (RFC 3986 §2.1). */

/** Text that is not well escaped is taken as it stands. */
export function unescapePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
