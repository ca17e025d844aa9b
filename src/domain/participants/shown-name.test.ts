import { describe, expect, it } from 'vitest';
import { shownName } from './shown-name.js';

describe('a name that a stranger gives itself', () => {
  it.each([
    ['overrides of direction', '\u202eevil\u202c \u202aa\u202bb\u202d', 'evil ab'],
    ['isolates', '\u2066a\u2067b\u2068c\u2069', 'abc'],
    ['marks of direction', '\u200eAnn\u200f\u061c', 'Ann'],
    ['characters of no width', 'A\u200bn\u2060n\ufeff\u00ad\u034f\u180e\u3164', 'Ann'],
    ['joiners that join nothing', '\u200dA\u200dn\u200cn\u200d', 'Ann'],
    ['variations of what has none', 'A\ufe0fnn\u{e0100}', 'Ann'],
    ['tags', 'Ann\u{e0041}\u{e0042}\u{e007f}', 'Ann'],
    ['annotations', '\ufff9Ann\ufffax\ufffb', 'Annx'],
    ['halves of characters', 'A\ud83dnn\ude00', 'Ann'],
  ])('has no %s', (_what, name, shown) => expect(shownName(name)).toBe(shown));

  it('is one line, whatever controls are in it', () => {
    expect(shownName('a\r\nb\u0000c\u001b[31md\u0085e\u2028f\u2029g\u007f\t')).toBe('a b c [31md e f g');
    expect(shownName(' a \u00a0 b ')).toBe('a b');
  });

  it.each([
    ['Arabic', 'محمد بن سلمان'],
    ['Persian, with its non-joiner', 'می\u200cخواهم'],
    ['Hebrew, with points', 'דָּנָה'],
    ['Hindi, with its joiner', 'शर्मा क\u094d\u200dष'],
    ['Sinhala', 'ශ්\u200dරී ලංකා'],
    ['Thai', 'กมลพรรณ ชื่น'],
    ['Chinese', '王小明'],
    ['Japanese, with a variant', '葛\u{e0100}城'],
    ['Korean', '김철수'],
    ['Vietnamese, in parts', 'Nguye\u0302\u0303n'],
    ['Mongolian', 'ᠮᠣᠩᠭᠣᠯ'],
    ['Greek', 'Γιώργος'],
    ['an emoji of several', '👩\u200d👩\u200d👧 ❤\ufe0f 👍🏽'],
    ['punctuation', 'Smith, "Ann" <x> & Søns'],
  ])('keeps letters of every script: %s', (_what, name) => expect(shownName(name)).toBe(name));

  it('is none where nothing of it is seen', () => {
    for (const name of ['', ' ', '\u202e\u202c', '\u200b\u3164 \u00a0', '\n'])
      expect(shownName(name)).toBeNull();
  });

  it('has 100 characters at most, and no more marks than letters have', () => {
    expect(shownName('x'.repeat(5000))).toHaveLength(100);
    expect(Array.from(shownName('😀'.repeat(400)) ?? '')).toHaveLength(100);
    expect(shownName('A\u0301\u0302\u0303\u0304\u0305\u0306\u0307'.repeat(2))).toBe(
      'A\u0301\u0302\u0303\u0304\u0305'.repeat(2),
    );
  });
});
