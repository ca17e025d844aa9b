import { describe, expect, it } from 'vitest';
import { RecordedFlow } from '../../../test/support/recorded-flow.js';
import type { TransportProtocol } from '../transport/flow.js';
import { Addressing } from './addressing.js';
import { addressKind, chooseLocalAddress, type LocalInterface } from './local-address.js';
import { belongsToFlow, nextHopOf } from './next-hop.js';

const interfaces: LocalInterface[] = [
  { address: '127.0.0.1', netmask: '255.0.0.0', family: 'IPv4' },
  { address: '203.0.113.9', netmask: '255.255.255.0', family: 'IPv4' },
  { address: '10.1.2.3', netmask: '255.255.0.0', family: 'IPv4' },
  { address: '::1', netmask: 'ffff::', family: 'IPv6' },
  { address: 'fe80::1', netmask: 'ffff::', family: 'IPv6' },
  { address: '2001:db8::9', netmask: 'ffff::', family: 'IPv6' },
];

describe('our address', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['10.1.9.9', '10.1.2.3'],
    ['203.0.113.200', '203.0.113.9'],
    ['198.51.100.1', '203.0.113.9'],
    ['2001:db8::77', '2001:db8::9'],
    ['::1', '::1'],
  ])('for a peer at %s is %s', (remote, local) => {
    expect(chooseLocalAddress(interfaces, remote)).toBe(local);
  });

  it.each([
    ['198.51.100.1', '203.0.113.9'],
    ['192.168.7.7', '10.1.2.3'],
    ['10.1.9.9', '10.1.2.3'],
    ['2001:db8:1::77', '2001:db8::9'],
    ['2001:db8:5::77', '2001:db8:5::9'],
    ['fd12::77', 'fd00::9'],
    ['fe80::77%eth0', 'fe80::1'],
  ])('beside addresses inside, for a peer at %s is %s', (remote, local) => {
    const half = 'ffff:ffff:ffff:ffff::';
    const mixed: LocalInterface[] = [
      { address: '10.1.2.3', netmask: '255.255.0.0', family: 'IPv4' },
      { address: '203.0.113.9', netmask: '255.255.255.0', family: 'IPv4' },
      { address: 'fe80::1', netmask: half, family: 'IPv6' },
      { address: 'fd00::9', netmask: half, family: 'IPv6' },
      { address: '2001:db8::9', netmask: half, family: 'IPv6' },
      { address: '2001:db8:5::9', netmask: half, family: 'IPv6' },
    ];
    expect(chooseLocalAddress(mixed, remote)).toBe(local);
  });

  it('has no zone in Contact', () => {
    const flow = Object.assign(new RecordedFlow('tcp', 'fe80::77%eth0', 40_000), {
      localAddress: 'fe80::1%eth0',
    });
    expect(new Addressing({}).contact(flow)).toBe('<sip:[fe80::1]:5060;transport=tcp>');
  });

  it.each([
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['0:0:0:0:0:0:0:0', 'unspecified'],
    ['::ffff:0.0.0.0', 'unspecified'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['255.255.255.255', 'private'],
    ['ff02::1', 'private'],
    ['::2', 'public'],
    ['127.1.2.3', 'loopback'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['172.15.0.1', 'public'],
    ['fd00::1', 'private'],
    ['example.com', 'name'],
  ])('%s is %s', (address, kind) => {
    expect(addressKind(address)).toBe(kind);
  });

  it('in Contact is the public one, except for a peer on this machine', () => {
    const addressing = new Addressing({ publicAddress: '203.0.113.50', interfaces: () => interfaces });
    addressing.listeningPorts = { udp: 5080, tcp: 5081, tls: 5082 };
    const contact = (protocol: TransportProtocol, remote: string): string =>
      addressing.contact(new RecordedFlow(protocol, remote, 40_000));
    expect(contact('udp', '198.51.100.1')).toBe('<sip:203.0.113.50:5080>');
    expect(contact('tcp', '198.51.100.1')).toBe('<sip:203.0.113.50:5081;transport=tcp>');
    expect(contact('wss', '198.51.100.1')).toBe('<sip:203.0.113.50:5060;transport=ws>');
    expect(contact('udp', '127.0.0.1')).toBe('<sip:127.0.0.1:5080>');
    expect(contact('tls', '198.51.100.1')).toBe('<sip:203.0.113.50:5082;transport=tls>');
    const overTls = new RecordedFlow('tls', '198.51.100.1', 40_000);
    expect(addressing.contact(overTls, true)).toBe('<sips:203.0.113.50:5082>');
  });

  it('is of the kind of address that the peer has', () => {
    const addressing = new Addressing({ publicAddress: '203.0.113.50', interfaces: () => interfaces });
    const flow = Object.assign(new RecordedFlow('udp', '2001:db8::77', 5060), { localAddress: '::' });
    expect(addressing.host(flow)).toBe('2001:db8::9');
  });

  it('is that of the socket which the peer came to, where there are several', () => {
    const addressing = new Addressing({ publicAddress: '203.0.113.50', interfaces: () => interfaces });
    addressing.listeningPorts = { udp: 5060, tcp: 5060 };
    addressing.otherPlaces = [
      { protocol: 'udp', address: '10.1.2.3', port: 5070, listener: 1, host: null },
      { protocol: 'tcp', address: '10.1.2.3', port: 5070, listener: 1, host: null },
      { protocol: 'udp', address: '192.0.2.8', port: 5060, listener: 2, host: 'sbc.example.com' },
      { protocol: 'tcp', address: '::', port: 5090, listener: 3, host: null },
      { protocol: 'udp', address: '0.0.0.0', port: 5099, listener: 4, host: null },
    ];
    const contact = (protocol: TransportProtocol, listener: number, localAddress: string, remote: string) =>
      addressing.contact(
        // The port of a connection that we opened.
        Object.assign(new RecordedFlow(protocol, remote, 40_000), {
          ...{ listener, localAddress },
          localPort: 43_210,
        }),
      );
    expect(contact('udp', 1, '10.1.2.3', '10.1.9.9')).toBe('<sip:10.1.2.3:5070>');
    expect(contact('udp', 2, '192.0.2.8', '10.1.9.9')).toBe('<sip:sbc.example.com:5060>');
    expect(contact('udp', 0, '0.0.0.0', '198.51.100.1')).toBe('<sip:203.0.113.50:5060>');
    expect(contact('udp', 4, '0.0.0.0', '198.51.100.1')).toBe('<sip:203.0.113.50:5099>');
    expect(contact('tcp', 1, '10.1.2.3', '10.1.9.9')).toBe('<sip:10.1.2.3:5070;transport=tcp>');
    // The same address, but by the socket of all addresses.
    expect(contact('tcp', 0, '10.1.2.3', '10.1.9.9')).toBe('<sip:203.0.113.50:5060;transport=tcp>');
    expect(contact('tcp', 3, '2001:db8::9', '2001:db8::77')).toBe('<sip:[2001:db8::9]:5090;transport=tcp>');
  });

  it.each([
    ['<sip:me@localhost>;tag=1', '<sip:me@127.0.0.1>;tag=1'],
    ['sip:localhost', 'sip:127.0.0.1'],
    ['"a localhost" <sip:me@localhost:9;x>', '"a localhost" <sip:me@127.0.0.1;x>'],
    ['<sip:localhost.example>', '<sip:localhost.example>'],
    ['<sip:localhost@example>', '<sip:localhost@example>'],
  ])('replaces localhost in %s', (value, expected) => {
    expect(new Addressing({}).rewriteLocalhost(value, new RecordedFlow(), false)).toBe(expected);
  });
});

describe('the next hop', () => {
  it.each([
    ['sip:a@10.0.0.1', { protocol: 'udp', host: '10.0.0.1', transportGiven: false }],
    [
      'sip:a@[2001:db8::1]:5070;transport=TCP',
      { protocol: 'tcp', host: '2001:db8::1', port: 5070, transportGiven: true },
    ],
    ['sip:a@b;maddr=10.0.0.9', { protocol: 'udp', host: '10.0.0.9', transportGiven: false }],
    ['tel:+1', null],
    ['sips:a@b', { protocol: 'tls', host: 'b', transportGiven: true }],
    ['sips:a@b:5071;transport=tcp', { protocol: 'tls', host: 'b', port: 5071, transportGiven: true }],
    ['sips:a@b;transport=ws', { protocol: 'wss', host: 'b', transportGiven: true }],
    ['sips:a@b;transport=udp', null],
    ['sip:a@b;transport=TLS', { protocol: 'tls', host: 'b', transportGiven: true }],
    ['sip:a@b;transport=sctp', null],
    ['nonsense', null],
  ])('of %s', (uri, expected) => {
    expect(nextHopOf(uri)).toEqual(expected);
  });

  it.each<[TransportProtocol, string, string, boolean, string]>([
    ['udp', '198.51.100.1', 'sip:a@192.168.1.5:5060', true, 'a private address behind a NAT'],
    [
      'udp',
      'fd00::7',
      'sip:a@[FD00:0:0::7]:5070',
      true,
      'a private address that is its own, written in another way',
    ],
    ['udp', '198.51.100.1', 'sip:a@203.0.113.5', false, 'another public address'],
    ['udp', '198.51.100.1', 'sip:a@example.com', false, 'a name'],
    ['udp', '10.0.0.1', 'sip:a@10.0.0.1:5070', true, 'just where it came from'],
    ['udp', '10.0.0.1', 'sip:a@10.0.0.1:9999', false, 'another port there'],
    ['tcp', '198.51.100.1', 'sip:a@203.0.113.5', true, 'a connection'],
    ['ws', '198.51.100.1', 'sip:a@x.invalid;transport=ws', true, 'a WebSocket client'],
    ['udp', '198.51.100.1', 'sip:a@x.invalid', true, 'an invented name'],
  ])('on %s from %s to %s goes down the flow: %s (%s)', (protocol, remote, uri, expected) => {
    expect(belongsToFlow(nextHopOf(uri), new RecordedFlow(protocol, remote, 5070))).toBe(expected);
  });

  it('of a closed connection is dialled again', () => {
    const flow = new RecordedFlow('tcp', '198.51.100.1');
    flow.close();
    expect(belongsToFlow(nextHopOf('sip:a@203.0.113.5;transport=tcp'), flow)).toBe(false);
  });
});
