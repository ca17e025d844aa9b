import { describe, expect, it } from 'vitest';
import { ConsoleMark } from './console-mark.js';

describe('A call’s source', () => {
  const mark = new ConsoleMark();
  const sourceOf = (fields: readonly (readonly [string, string])[], by = mark) =>
    by.sourceOf('127.0.0.1', (name) => new Map(fields).get(name));
  const [[name, value] = ['', '']] = mark.fieldsFor('acme');

  it('is the account whose console makes it', () => {
    expect(sourceOf(mark.fieldsFor('acme'))).toBe('console of acme');
    expect(sourceOf(mark.fieldsFor('a.b'))).toBe('console of a.b');
  });

  it('is its address where it bears no mark, or none of ours', () => {
    expect(sourceOf([])).toBe('127.0.0.1');
    for (const forged of ['', 'acme', value.replace('acme', 'other'), `${value}0`, value.toUpperCase()])
      expect(sourceOf([[name, forged]])).toBe('127.0.0.1');
    expect(sourceOf(mark.fieldsFor('acme'), new ConsoleMark())).toBe('127.0.0.1');
  });
});
