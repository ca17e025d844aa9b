import { describe, expect, it } from 'vitest';
import { isSameAddress, withoutZone } from './address.js';

describe('an address', () => {
  it.each([
    [true, '192.0.2.1', '192.0.2.1'],
    [true, '2001:db8::1', '2001:DB8:0:0:0:0:0:1'],
    [true, '::ffff:192.0.2.1', '::ffff:c000:201'],
    [true, 'fe80::1%eth0', 'fe80::1'],
    [false, '192.0.2.1', '192.0.2.2'],
    [false, '2001:db8::1', '2001:db8::2'],
    [false, '::1', '127.0.0.1'],
    [false, 'a.example', 'b.example'],
    [false, '2001:db8::1', 'a.example'],
  ])('is the same (%s): %s and %s', (expected, one, other) => {
    expect(isSameAddress(one, other)).toBe(expected);
    expect(isSameAddress(other, one)).toBe(expected);
  });

  it('has no zone for others', () => {
    expect(withoutZone('fe80::1%eth0')).toBe('fe80::1');
    expect(withoutZone('2001:db8::1')).toBe('2001:db8::1');
  });
});
