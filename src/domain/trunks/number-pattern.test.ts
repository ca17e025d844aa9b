import { describe, expect, it } from 'vitest';
import { isNumberPattern, matchesPattern } from './number-pattern.js';

describe('Patterns of numbers', () => {
  it.each([
    ['+4930*', '+4930123456', true],
    ['+4930*', '+4930', true],
    ['+4930*', '+493', false],
    ['+4930*', '+4989123456', false],
    ['+4930*', '4930123456', false],
    ['+1555???', '+1555123', true],
    ['+1555???', '+15551234', false],
    ['+1555???', '+1555+23', false],
    ['110', '110', true],
    ['110', '1100', false],
    ['*', '110', true],
    ['*', null, false],
    ['anonymous', null, true],
    ['anonymous', '110', false],
  ])('%s and %s: %s', (pattern, number, expected) => {
    expect(isNumberPattern(pattern)).toBe(true);
    expect(matchesPattern(pattern, number)).toBe(expected);
  });

  it.each(['', '+', 'alice', '+49*30', '**', '49 30', '?'.repeat(40)])('%j is none', (text) => {
    expect(isNumberPattern(text)).toBe(false);
  });
});
