import { describe, expect, it } from 'vitest';
import { canonicalNumber, canonicalUri } from './identities.js';

describe('A number', () => {
  it('is its digits, however it is written', () => {
    for (const text of ['+1 (215) 555-1212', '12155551212', 'tel:+1-215-555-1212', '1.215.555.1212'])
      expect(canonicalNumber(text)).toBe('12155551212');
    expect(canonicalNumber('*67#')).toBe('*67#');
  });

  it('is none with anything else', () => {
    for (const text of ['', '+', 'anonymous', '1'.repeat(33), '1'.repeat(5000), '١٢٣', '12;ext=5', '++1'])
      expect(canonicalNumber(text)).toBeNull();
  });
});

describe('A URI', () => {
  it('is compared without port, parameters and the case of its host', () => {
    expect(canonicalUri('sip:Alice@Example.COM:5060;transport=tcp?a=b')).toBe('sip:Alice@example.com');
    expect(canonicalUri('SIPS:bob@[2001:DB8::1]')).toBe('sips:bob@[2001:db8::1]');
  });

  it('is none without a user, or of another kind', () => {
    for (const text of ['sip:example.com', 'https://a@b', 'sip:a@b@c', 'sip:a b@c', 'tel:+1', ''])
      expect(canonicalUri(text)).toBeNull();
  });
});
