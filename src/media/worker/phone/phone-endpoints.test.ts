import { describe, expect, it } from 'vitest';
import {
  allPhoneEndpoints,
  broadcastAddresses,
  endpointsFrom,
  phoneEndpoints,
  reachedAt,
  type InterfaceAddress,
} from './phone-endpoints.js';

const loopback = [
  { address: '127.0.0.1', family: 'IPv4', internal: true },
  { address: '::1', family: 'IPv6', internal: true },
];
const ipv4 = { address: '192.0.2.1', family: 'IPv4', internal: false };
const ipv6 = { address: '2001:db8::1', family: 'IPv6', internal: false };
const linkLocal = { address: 'fe80::1', family: 'IPv6', internal: false };
const all = [...loopback, linkLocal, ipv4, ipv6];
const inside = [
  { address: '10.1.2.3', family: 'IPv4', internal: false },
  { address: 'fd00::9', family: 'IPv6', internal: false },
];

/** `where it is bound > what it says` of each endpoint. */
const endpoints = (bindAddress: string, advertisedAddress: string | null, interfaces: InterfaceAddress[]) =>
  phoneEndpoints({ bindAddress, advertisedAddress }, interfaces).map(
    (endpoint) => `${endpoint.bindAddress} > ${endpoint.advertisedAddress}`,
  );

describe('the endpoints for phones', () => {
  it.each<[string, string | null, InterfaceAddress[], string[]]>([
    ['192.0.2.1', null, all, ['192.0.2.1 > 192.0.2.1']],
    ['192.0.2.1', '203.0.113.9', all, ['192.0.2.1 > 203.0.113.9']],
    ['2001:db8::1', null, all, ['2001:db8::1 > 2001:db8::1']],
    ['0.0.0.0', null, all, ['0.0.0.0 > 192.0.2.1']],
    ['0.0.0.0', null, loopback, ['0.0.0.0 > 127.0.0.1']],
    ['0.0.0.0', null, [...inside, ...all], ['0.0.0.0 > 192.0.2.1']],
    ['::', null, [...inside, ...all], ['0.0.0.0 > 192.0.2.1', ':: > 2001:db8::1']],
    ['::', null, inside, ['0.0.0.0 > 10.1.2.3', ':: > fd00::9']],
    ['::', null, all, ['0.0.0.0 > 192.0.2.1', ':: > 2001:db8::1']],
    ['::', '203.0.113.9', all, ['0.0.0.0 > 203.0.113.9', ':: > 2001:db8::1']],
    ['::', '2001:db8::9', all, ['0.0.0.0 > 192.0.2.1', ':: > 2001:db8::9']],
    ['::', null, [...loopback, ipv6], [':: > 2001:db8::1']],
    ['::', null, loopback, [':: > ::1']],
    ['127.0.0.1', null, all, ['127.0.0.1 > 127.0.0.1', '::1 > ::1']],
    ['127.0.0.1', null, [loopback[0]!], ['127.0.0.1 > 127.0.0.1']],
    ['127.0.0.1', '203.0.113.9', all, ['127.0.0.1 > 203.0.113.9']],
    ['::1', null, all, ['::1 > ::1', '127.0.0.1 > 127.0.0.1']],
  ])('of a gateway that listens at %s and says %s', (bindAddress, advertised, interfaces, expected) => {
    expect(endpoints(bindAddress, advertised, interfaces)).toEqual(expected);
  });

  it('of several addresses are each there once, that which signalling came to in front', () => {
    const found = allPhoneEndpoints(
      { bindAddress: '127.0.0.1', advertisedAddress: null },
      [
        { bindAddress: '127.0.0.1', advertisedAddress: '203.0.113.9' },
        { bindAddress: '192.0.2.1', advertisedAddress: '203.0.113.10' },
        { bindAddress: '::1', advertisedAddress: '2001:db8::9' },
      ],
      all,
    );
    expect(found).toEqual([
      { bindAddress: '127.0.0.1', advertisedAddress: '127.0.0.1' },
      { bindAddress: '192.0.2.1', advertisedAddress: '203.0.113.10' },
      { bindAddress: '::1', advertisedAddress: '2001:db8::9' },
    ]);
    expect(endpointsFrom(found, '192.0.2.1').map(({ bindAddress }) => bindAddress)).toEqual([
      '192.0.2.1',
      '127.0.0.1',
      '::1',
    ]);
    expect(endpointsFrom(found, '198.51.100.1')).toBe(found);
  });
});

describe('of the addresses of this machine', () => {
  const on = (cidr: string, internal = false): InterfaceAddress => {
    const [address = ''] = cidr.split('/');
    return { address, family: address.includes(':') ? 'IPv6' : 'IPv4', internal, cidr };
  };
  const interfaces = [
    on('127.0.0.1/8', true),
    on('::1/128', true),
    on('192.0.2.77/26'),
    on('2001:db8::1/64'),
  ];

  it('all reach sockets that are bound to none, those of the loopback’s whole network as well', () => {
    expect(reachedAt([{ bindAddress: '0.0.0.0', advertisedAddress: '203.0.113.9' }], interfaces)).toEqual([
      ...['127.0.0.1/8', '::1/128', '192.0.2.77', '2001:db8::1', '203.0.113.9'],
    ]);
    expect(reachedAt([{ bindAddress: '127.0.0.1', advertisedAddress: '127.0.0.1' }], interfaces)).toEqual([
      ...['127.0.0.1', '127.0.0.1'],
    ]);
  });

  it('some stand for all hosts of their network', () => {
    expect(broadcastAddresses(interfaces)).toEqual(['127.255.255.255', '192.0.2.127']);
    const others = [
      on('10.0.0.4/31'),
      on('10.0.0.9/32'),
      on('224.0.0.0/1'),
      { ...on('10.1.2.3/16'), cidr: null },
    ];
    expect(broadcastAddresses(others)).toEqual(['255.255.255.255']);
    expect(broadcastAddresses([on('10.1.2.3/30')])).toEqual(['10.1.2.3']);
  });
});
