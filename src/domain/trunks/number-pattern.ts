/** Patterns of telephone numbers, for those who may call and may be called. */

const form = /^(?:anonymous|\*|\+?[0-9?]{1,31}\*?)$/;

/**
 * Digits, with a `+` in front for numbers in international form; `?` stands for any one digit, a `*` at the end for any that
 * follow, alone for every number. `anonymous` stands for callers without one.
 */
export function isNumberPattern(text: string): boolean {
  return form.test(text);
}

/** `number`: null is a caller without one. Forms are not turned into one another: `0044…` does not match `+44*`. */
export function matchesPattern(pattern: string, number: string | null): boolean {
  if (pattern === 'anonymous' || number === null) return pattern === 'anonymous' && number === null;
  const isOpen = pattern.endsWith('*');
  const fixed = isOpen ? pattern.slice(0, -1) : pattern;
  if (isOpen ? number.length < fixed.length : number.length !== fixed.length) return false;
  for (let at = 0; at < fixed.length; at += 1) {
    const wanted = fixed[at];
    const digit = number[at] ?? '';
    if (wanted === '?' ? !/\d/.test(digit) : wanted !== digit) return false;
  }
  return true;
}
