/** Copies of text that is to be kept. */

/**
 * The same text in memory of its own. What is cut out of a text (`slice`, `split`, a match) keeps the whole of it in memory for as
 * long as it lives: of a Call-ID that is remembered, all 64 kB of the message that it came in.
 */
export function ownText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

export function ownTextOrNull(text: string | null): string | null {
  return text === null ? null : ownText(text);
}
