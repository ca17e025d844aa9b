import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NetworkList } from './network-list.js';
import { NetworkIndex, roomOf, prefixOf } from './network-index.js';

function indexOf(...networks: string[]): NetworkIndex<string> {
  const index = new NetworkIndex<string>();
  for (const network of networks) index.add(network, network);
  return index;
}

describe('The index of networks', () => {
  it('finds the narrowest network first', () => {
    const index = indexOf('10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '10.2.0.0/16');
    expect(index.lookUp('10.1.2.3')).toEqual(['10.1.2.3', '10.1.0.0/16', '10.0.0.0/8']);
    expect(index.lookUp('10.2.9.9')).toEqual(['10.2.0.0/16', '10.0.0.0/8']);
    expect(index.lookUp('10.200.0.1')).toEqual(['10.0.0.0/8']);
    expect(index.lookUp('11.0.0.1')).toEqual([]);
  });

  it('keeps the order in which values of one network were added', () => {
    const index = new NetworkIndex<number>();
    index.add('192.0.2.0/24', 1);
    index.add('192.0.2.7/24', 2);
    expect(index.lookUp('192.0.2.200')).toEqual([1, 2]);
  });

  it('knows IPv6, and IPv4 that is mapped into it', () => {
    const index = indexOf('2001:db8::/32', '2001:db8:5::/48', '192.0.2.0/24', '::ffff:198.51.100.0/120');
    expect(index.lookUp('2001:db8:5::1')).toEqual(['2001:db8:5::/48', '2001:db8::/32']);
    expect(index.lookUp('2001:db8:6:0:0:0:0:1')).toEqual(['2001:db8::/32']);
    expect(index.lookUp('::ffff:192.0.2.9')).toEqual(['192.0.2.0/24']);
    expect(index.lookUp('::ffff:c000:209')).toEqual(['192.0.2.0/24']);
    expect(index.lookUp('198.51.100.3')).toEqual(['::ffff:198.51.100.0/120']);
    expect(index.lookUp('2001:db9::1')).toEqual([]);
  });

  it.each(['', 'gw.example', '1.2.3', '1.2.3.256', 'fe80::1%eth0', '::ffff:1.2.3.999', '1.2.3.4/24'])(
    'finds nothing for %j, which is no address',
    (text) => {
      expect(indexOf('0.0.0.0/0', '::/0').lookUp(text)).toEqual([]);
    },
  );

  it.each(['1.2.3.4/33', '2001:db8::/129', 'x', '1.2.3.4/', '1.2.3.4/8/8', '1.2.3.4/-1', '::ffff:1.2.3.4/8'])(
    'takes no %j for a network',
    (text) => {
      expect(prefixOf(text)).toBeNull();
      expect(() => indexOf(text)).toThrow(RangeError);
    },
  );

  it('agrees with the list of networks on every address of its family', () => {
    const ipv6 = fc.ipV6().filter((address) => !address.includes('.') && !/^[0:]*:ffff:/i.test(address));
    for (const [address, most] of [
      [fc.ipV4(), 32],
      [ipv6, 128],
    ] as const) {
      const network = fc.tuple(address, fc.integer({ min: 0, max: most })).map((parts) => parts.join('/'));
      fc.assert(
        fc.property(fc.array(network, { maxLength: 6 }), address, (networks, asked) => {
          expect(indexOf(...networks).lookUp(asked).length > 0).toBe(new NetworkList(networks).has(asked));
        }),
      );
    }
  });
});

it('How wide networks are together is told in addresses of IPv4, and in networks of 64 bits of IPv6', () => {
  expect(
    roomOf(['192.0.2.0/24', '198.51.100.1', '2001:db8::/62', '2001:db8:1::1', '2001:db8:2::/80']),
  ).toEqual({
    ...{ 4: 257, 6: 6 },
  });
  expect(
    roomOf(['192.0.2.0/24', '192.0.2.7/24', '::ffff:192.0.2.0/120', '2001:db8::/64', '2001:DB8::1/64']),
  ).toEqual({
    ...{ 4: 256, 6: 1 },
  });
});
