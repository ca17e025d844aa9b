import { describe, expect, it } from 'vitest';
import { configSchema } from './config-schema.js';
import { areInTheWay, sipPlaces, socketsOf, type SipSocket } from './sip-places.js';

const placesOf = (settings: object) => sipPlaces(configSchema.parse(settings));

describe('the addresses that SIP is listened on', () => {
  it('are the first, over TLS where there is a certificate, and those beside it', () => {
    const listen = [{ host: '127.0.0.2', transports: ['tls'] }, { host: '::' }];
    const tls = { cert: 'a.crt', key: 'a.key' };
    expect(placesOf({ tls, sip: { listen } }).flatMap(socketsOf)).toEqual([
      { transport: 'udp', host: '127.0.0.1', port: 5060, ipv6Only: false },
      { transport: 'tcp', host: '127.0.0.1', port: 5060, ipv6Only: false },
      { transport: 'tls', host: '127.0.0.1', port: 5061, ipv6Only: false },
      { transport: 'tls', host: '127.0.0.2', port: 5061, ipv6Only: false },
      { transport: 'udp', host: '::', port: 5060, ipv6Only: true },
      { transport: 'tcp', host: '::', port: 5060, ipv6Only: true },
    ]);
    expect(
      placesOf({})
        .flatMap(socketsOf)
        .map(({ transport }) => transport),
    ).toEqual(['udp', 'tcp']);
  });

  it('tell who comes there their name and address, and publicIp where it is one for all', () => {
    const listen = [
      { host: '10.1.2.3', address: '203.0.113.5', name: 'sbc.example' },
      { host: '10.1.2.4', address: '203.0.113.6' },
      { host: '10.1.2.5', name: 'sbc.example' },
      { host: '10.1.2.6' },
      { host: '::' },
    ];
    const sip = { host: '0.0.0.0', listen };
    expect(placesOf({ publicIp: '198.51.100.1', sip }).map(({ told }) => told)).toEqual([
      { contact: '198.51.100.1', media: '198.51.100.1' },
      { contact: 'sbc.example', media: '203.0.113.5' },
      { contact: '203.0.113.6', media: '203.0.113.6' },
      { contact: 'sbc.example', media: null },
      { contact: null, media: null },
      { contact: '198.51.100.1', media: '198.51.100.1' },
    ]);
  });

  const socket = (host: string, more: Partial<SipSocket> = {}): SipSocket => ({
    ...{ transport: 'udp', host, port: 5060, ipv6Only: false },
    ...more,
  });

  it.each([
    [true, socket('127.0.0.2'), socket('127.0.0.2')],
    [true, socket('0.0.0.0'), socket('127.0.0.2')],
    [true, socket('127.0.0.2'), socket('0.0.0.0')],
    [true, socket('::'), socket('127.0.0.2')],
    [true, socket('0.0.0.0'), socket('::')],
    [true, socket('::', { ipv6Only: true }), socket('::1')],
    [true, socket('127.0.0.2', { transport: 'tcp' }), socket('127.0.0.2', { transport: 'tls' })],
    [false, socket('::', { ipv6Only: true }), socket('127.0.0.2')],
    [false, socket('0.0.0.0'), socket('::', { ipv6Only: true })],
    [false, socket('0.0.0.0'), socket('::1')],
    [false, socket('127.0.0.2'), socket('127.0.0.3')],
    [false, socket('127.0.0.2'), socket('127.0.0.2', { transport: 'tcp' })],
    [false, socket('127.0.0.2'), socket('127.0.0.2', { port: 5062 })],
    [false, socket('127.0.0.2', { port: 0 }), socket('127.0.0.2', { port: 0 })],
  ])('are in each other’s way: %s, %j and %j', (expected, one, other) => {
    expect(areInTheWay(one, other)).toBe(expected);
  });
});
