import { expect, it } from 'vitest';
import { cutOut, keptBytes, littleBytes } from '../../test/support/heap.js';
import { ownText } from './own-text.js';

it.each(['', 'a', 'a call at 192.0.2.1', 'Jürgen Ω 😀'])('The copy of %o is the same text', (text) => {
  expect(ownText(text)).toBe(text);
});

it('A copy does not keep what it was cut out of', async () => {
  const kept: string[] = [];
  const keep = (copy: (text: string) => string) =>
    keptBytes(() => {
      for (let at = 0; at < 1000; at += 1) kept.push(copy(cutOut(`a call at 192.0.2.1, number ${at}`)));
    });
  expect(await keep((text) => text)).toBeGreaterThan(50_000_000);
  expect(await keep(ownText)).toBeLessThan(littleBytes);
  expect(kept).toHaveLength(2000);
});
