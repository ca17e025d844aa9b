import { expect, it } from 'vitest';
import { AdvertisedAddresses } from './advertised-addresses.js';

const addresses = new AdvertisedAddresses([
  { networks: ['10.1.2.0/24'], address: '10.1.2.3' },
  { networks: ['10.0.0.0/8', 'fd00::/8'], address: '10.9.9.9', host: 'gw.inner.example' },
  { networks: ['52.112.0.0/14'], address: '203.0.113.5', host: 'sbc.example.com' },
]);

it.each([
  ['10.1.2.200', '10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.200', '10.1.2.3', '10.1.2.3'],
  ['10.200.0.1', 'gw.inner.example', '10.9.9.9'],
  ['fd12::1', 'gw.inner.example', '10.9.9.9'],
  ['52.113.1.1', 'sbc.example.com', '203.0.113.5'],
  ['198.51.100.1', null, null],
  ['2001:db8::1', null, null],
  ['gw.example', null, null],
  ['fe80::1%eth0', null, null],
])('whoever is at %s is told %s, and %s for media', (remote, host, media) => {
  expect(addresses.hostFor(remote)).toBe(host);
  expect(addresses.mediaAddressFor(remote)).toBe(media);
});
