import { describe, expect, it } from 'vitest';
import { AddressPolicy } from './address-policy.js';

const special = [
  ['0.0.0.0', 'this host'],
  ['0.1.2.3', 'this network'],
  ['10.0.0.1', 'private'],
  ['100.64.0.1', 'carrier-grade NAT'],
  ['100.127.255.255', 'carrier-grade NAT'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['169.254.169.254', 'link-local, cloud metadata'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.0.0.8', 'protocol assignments'],
  ['192.0.2.1', 'documentation'],
  ['192.168.1.1', 'private'],
  ['198.18.0.1', 'benchmarks'],
  ['198.51.100.1', 'documentation'],
  ['203.0.113.9', 'documentation'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.250', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'mapped loopback'],
  ['::ffff:7f00:1', 'mapped loopback'],
  ['::ffff:8.8.8.8', 'mapped'],
  ['::127.0.0.1', 'compatible'],
  ['64:ff9b::a00:1', 'NAT64'],
  ['100::1', 'discard'],
  ['2001::1', 'Teredo'],
  ['2001:db8::1', 'documentation'],
  ['2002:7f00:1::', '6to4 of loopback'],
  ['3fff::1', 'documentation'],
  ['fc00::1', 'unique-local'],
  ['fd12:3456::1', 'unique-local'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local with a zone'],
  ['fec0::1', 'site-local'],
  ['ff02::1', 'multicast'],
  ['localhost', 'a name'],
  ['', 'nothing'],
] as const;

const ordinary = [
  '1.1.1.1',
  '8.8.8.8',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '223.255.255.255',
  '2606:4700::1111',
  '2a00:1450:4001::1',
];

describe('Addresses', () => {
  const policy = new AddressPolicy();

  it.each(special)('%s (%s) are not sent to', (address) => {
    expect(policy.allows(address)).toBe(false);
  });

  it.each(ordinary)('%s are sent to', (address) => {
    expect(policy.allows(address)).toBe(true);
  });

  it('that the operator lists are sent to, and no others', () => {
    const own = new AddressPolicy({ allowedNetworks: ['10.1.0.0/16', '127.0.0.1', 'fd00:1::/32'] });
    for (const address of ['10.1.2.3', '127.0.0.1', 'fd00:1::5', '8.8.8.8']) {
      expect([address, own.allows(address)]).toEqual([address, true]);
    }
    for (const address of ['10.2.0.1', '127.0.0.2', 'fd00:2::5', '::1']) {
      expect([address, own.allows(address)]).toEqual([address, false]);
    }
    expect(() => new AddressPolicy({ allowedNetworks: ['somewhere'] })).toThrow(/somewhere/);
  });

  it('are all sent to where the operator allows private networks, but never to many at once', () => {
    const open = new AddressPolicy({ allowPrivateNetworks: true });
    for (const address of ['127.0.0.1', '10.0.0.1', '::1', '::ffff:127.0.0.1', 'fd00::1']) {
      expect([address, open.allows(address)]).toEqual([address, true]);
    }
    for (const address of ['224.0.0.1', '255.255.255.255', 'ff02::1', '::ffff:224.0.0.1']) {
      expect([address, open.allows(address)]).toEqual([address, false]);
    }
  });
});

describe('URLs', () => {
  const policy = new AddressPolicy();

  it.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://①②⑦.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[0:0:0:0:0:ffff:7f00:1]/',
    'http://user@10.0.0.1/',
    'http://8.8.8.8@10.0.0.1/',
    'http://169.254.169.254/latest/meta-data',
  ])('%s lead to a private address', (url) => {
    expect(policy.objection(url)).toMatch(/private/);
  });

  it.each(['ftp://example.com/', 'file:///etc/passwd', 'http://', 'not a url'])(
    '%s cannot be used',
    (url) => {
      expect(policy.objection(url)).not.toBeNull();
    },
  );

  it.each(['https://example.com/hook', 'http://localhost/', 'http://8.8.8.8/'])('%s can be tried', (url) => {
    expect(policy.objection(url)).toBeNull();
  });
});
