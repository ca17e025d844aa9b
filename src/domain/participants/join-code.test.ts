import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createJoinCode, hashJoinCode, normalizeJoinCode } from './join-code.js';

describe('join codes', () => {
  it('are twelve characters of Crockford’s base32, canonical as they are made, and never the same twice', () => {
    const codes = Array.from({ length: 500 }, createJoinCode);
    for (const code of codes) {
      expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{12}$/);
      expect(normalizeJoinCode(code)).toBe(code);
    }
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('use every character of the alphabet', () => {
    const seen = new Set(Array.from({ length: 500 }, createJoinCode).join(''));
    expect(seen.size).toBe(32);
  });

  it.each([
    ['lower case', 'abcdefghjkmn', 'ABCDEFGHJKMN'],
    ['O for 0', 'OOOOoooo0000', '000000000000'],
    ['I and L for 1', 'IiLl11111111', '111111111111'],
    ['hyphens in groups', 'ABCD-EFGH-JKMN', 'ABCDEFGHJKMN'],
    ['hyphens anywhere', '--A-BCDEFGHJKMN-', 'ABCDEFGHJKMN'],
  ])('are read leniently: %s', (_, text, canonical) => {
    expect(normalizeJoinCode(text)).toBe(canonical);
  });

  it.each([
    ['empty', ''],
    ['only hyphens', '------------'],
    ['eleven characters', 'ABCDEFGHJKM'],
    ['thirteen characters', 'ABCDEFGHJKMNP'],
    ['a U, which is in no code', 'ABCDEFGHJKMU'],
    ['a space', 'ABCDEFGHJKM '],
    ['a dot, as in a JWT', 'ABCDEF.HJKMN'],
    ['a letter beyond ASCII', 'ABCDEFGHJKMÉ'],
    ['a character outside the basic plane', 'ABCDEFGHJKM😀'],
    ['more hyphens than anybody types', `ABCDEFGHJKMN${'-'.repeat(13)}`],
  ])('are told from other text: %s', (_, text) => {
    expect(normalizeJoinCode(text)).toBeNull();
  });

  it('are told from text that only becomes ASCII in upper case', () => {
    // U+0131 (dotless i) becomes I, U+017F (long s) becomes S.
    expect(normalizeJoinCode('ABCDEFGHJKM\u0131')).toBeNull();
    expect(normalizeJoinCode('ABCDEFGHJKM\u017f')).toBeNull();
  });

  it('are read to the same canonical form twice, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (text) => {
        const once = normalizeJoinCode(text);
        if (once !== null) expect(normalizeJoinCode(once)).toBe(once);
      }),
    );
  });

  it('are kept only as a hash that does not hold them', () => {
    const code = createJoinCode();
    expect(hashJoinCode(code)).toMatch(/^[\w-]{43}$/);
    expect(hashJoinCode(code)).toBe(hashJoinCode(code));
    expect(hashJoinCode(code)).not.toContain(code);
  });
});
