import { describe, expect, it } from 'vitest';
import { isNetwork, NetworkList } from './network-list.js';

describe('A list of networks', () => {
  const list = new NetworkList(['10.1.0.0/16', '192.0.2.7', 'fd00:1::/32', '2001:db8::5', '198.51.100.0/24']);

  it.each([
    ...['10.1.0.0', '10.1.255.255', '192.0.2.7', '198.51.100.1', 'fd00:1::9', '2001:db8::5'],
    ...['2001:DB8:0::5', '::ffff:10.1.2.3'],
  ])('has %s', (address) => {
    expect(list.has(address)).toBe(true);
  });

  it.each([
    ...['10.2.0.0', '192.0.2.8', '198.51.101.1', 'fd00:2::9', '2001:db8::6', '::ffff:10.2.2.3', '::1'],
    ...['010.1.0.0', '10.01.0.0', '', 'localhost', '10.1.0.0/16', '10.1.0', 'fd00:1::9%eth0'],
  ])('does not have %j', (address) => {
    expect(list.has(address)).toBe(false);
  });

  it.each(['::ffff:203.0.113.0/120', '::ffff:cb00:7100/120'])(
    'of %s, which is mapped, has IPv4 addresses',
    (network) => {
      const mapped = new NetworkList([network]);
      expect(mapped.has('203.0.113.200')).toBe(true);
      expect(mapped.has('::ffff:203.0.113.200')).toBe(true);
      expect(mapped.has('203.0.114.1')).toBe(false);
    },
  );

  it('of every address has them all, and an empty one none', () => {
    const every = new NetworkList(['0.0.0.0/0', '::/0']);
    const none = new NetworkList([]);
    for (const address of ['0.0.0.0', '255.255.255.255', '::', 'ffff::1']) {
      expect([address, every.has(address), none.has(address)]).toEqual([address, true, false]);
    }
  });

  it.each([
    ...['somewhere', '', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0.0/1e1', '::/129'],
    ...['::ffff:10.0.0.0/95', '010.0.0.0/8', '10.0.0/8', 'fe80::1%eth0', '10.0.0.0/ 8'],
  ])('is not made with %j', (network) => {
    expect(isNetwork(network)).toBe(false);
    expect(() => new NetworkList(['10.0.0.1', network])).toThrow(RangeError);
  });
});
