/** Whether who calls withholds the number: networks and platforms say so in words, or in digits that spell them on a keypad. */

const words = ['anonymous', 'blocked', 'private', 'restricted', 'unavailable', 'unknown', 'withheld'];

const keys = ['abc', 'def', 'ghi', 'jkl', 'mno', 'pqrs', 'tuv', 'wxyz'];

/** `+266696687` is ANONYMOUS. */
const spelt: ReadonlySet<string> = new Set(
  words.map((word) =>
    Array.from(word, (letter) => String(keys.findIndex((key) => key.includes(letter)) + 2)).join(''),
  ),
);

const inWords = new RegExp(`^(?:sips?:|tel:)?\\+?(?:${words.join('|')})(?:$|[^a-z0-9])`, 'i');

/** Whether the caller withholds its number, so that such callers cannot be told apart. */
export function isWithheld(from: string | null): boolean {
  if (from === null || from.trim() === '') return true;
  return inWords.test(from.trim()) || spelt.has(from.replace(/\D/g, ''));
}
