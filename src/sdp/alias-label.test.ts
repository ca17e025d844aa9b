import fc from 'fast-check';
import { expect, it } from 'vitest';
import { aliasLabel, aliasOf } from './alias-label.js';

it('reads an alias back as it was written, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (alias) => {
      const written = aliasLabel(alias);
      expect(written.value).toMatch(/^[A-Za-z0-9%.!~*'_-]+$/);
      expect(aliasOf({ attributes: [written] })).toBe(alias);
    }),
  );
});

it('knows no alias where there is no label, or one that cannot be decoded', () => {
  expect(aliasOf({ attributes: [] })).toBeNull();
  expect(aliasOf({ attributes: [{ name: 'label', value: '%zz' }] })).toBeNull();
});
