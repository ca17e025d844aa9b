import { describe, expect, it } from 'vitest';
import { comparedForms } from './stir.js';

describe('A number that is compared with what was signed', () => {
  it('is the one with its country, and not whatever else has its digits', () => {
    expect(comparedForms(['030 1234567', '+12155551212'], 'DE')).toEqual(['+49301234567', '+12155551212']);
    expect(comparedForms(['2155551212'], 'US')).toEqual(['+12155551212']);
    expect(comparedForms(['sip:alice@example.com', '2155551212'], null)).toEqual([
      'sip:alice@example.com',
      '2155551212',
    ]);
  });
});
