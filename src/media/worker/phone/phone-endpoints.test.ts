import { describe, expect, it } from 'vitest';
import {
  allPhoneEndpoints,
  endpointsFrom,
  phoneEndpoints,
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
