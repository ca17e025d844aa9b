/** What is wrong with a command line, in one sentence: Node goes on to tell how words could be passed that nobody meant. */
export function commandLineFault(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .replace(/\. (?:To specify|This command)[^]*$/, '')
    .replace(/ argument is ambiguous[^]*$/, ' is followed by what looks like another option');
}
