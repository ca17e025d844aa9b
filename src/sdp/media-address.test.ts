import { describe, expect, it } from 'vitest';
import { addressTypeOf, isNowhere, literalAddress, usableDestination } from './media-address.js';

describe('a destination of media', () => {
  it.each([
    '192.0.2.7',
    '127.0.0.1',
    '10.1.2.3',
    '223.255.255.255',
    '2001:db8::1',
    'fe80::1',
    '::1',
    '::ffff:192.0.2.7',
  ])('may be %s', (address) => {
    expect(usableDestination(address, 4000)).toEqual({ address, port: 4000 });
  });

  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '::',
    '::ffff:0.0.0.0',
    'fe80::1%eth0',
    'phone.example.com',
    'localhost',
    '0x7f000001',
  ])('is left open by %s', (address) => {
    expect(usableDestination(address, 4000)).toBeNull();
  });

  it.each([
    ['a group', '224.0.0.1'],
    ['a group', '239.255.255.255'],
    ['a group', 'ff02::1'],
    ['a group in IPv6 notation', '::ffff:224.0.0.1'],
    ['the broadcast address', '255.255.255.255'],
    ['the broadcast address in IPv6 notation', '::ffff:ffff:ffff'],
    ['what is reserved', '240.0.0.1'],
    ['no literal', '999.1.1.1'],
    ['half a literal', '1.2.3'],
    ['a number', '3232235777'],
    ['no IPv6 literal', '2001:db8::1::2'],
  ])('is refused where it is %s (%s)', (_what, address) => {
    expect(() => usableDestination(address, 4000)).toThrow(expect.objectContaining({ code: 'bad-sdp' }));
  });

  it.each([0, -1, 65_536])('needs a port that can be, not %d', (port) => {
    expect(usableDestination('192.0.2.7', port)).toBeNull();
  });
});

it('knows the addresses that stand for a hold', () => {
  const nowhere = [
    '0.0.0.0',
    '::',
    '::0',
    '0:0:0:0:0:0:0:0',
    '::ffff:0.0.0.0',
    '[::]',
    '::%0',
    '000.000.000.000',
  ];
  expect(nowhere.filter((address) => !isNowhere(address))).toEqual([]);
  expect(
    [
      '0.0.0.1',
      '192.0.2.1',
      '::1',
      '0',
      '0.0.0',
      '000.000.000.001',
      '0000.0.0.0',
      'nowhere.example',
      '',
    ].filter(isNowhere),
  ).toEqual([]);
});

it('names the family of an address', () => {
  expect(addressTypeOf('192.0.2.7')).toBe('IP4');
  expect(addressTypeOf('2001:db8::1')).toBe('IP6');
});

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:DB8:0:0::1', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['gateway.example', null],
  ['', null],
])('reads the literal address %s as %s', (text, address) => {
  expect(literalAddress(text)).toBe(address);
});
