import type { FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import { originOf } from './request-origin.js';

const origin = (host: string, localAddress = '192.0.2.1', protocol = 'https') =>
  originOf({
    protocol,
    host,
    raw: { socket: { localAddress, localPort: 8080 } },
  } as unknown as FastifyRequest);

it.each([
  'gw.example',
  'gw.example:8443',
  '192.0.2.7:80',
  '[2001:db8::1]',
  '[2001:db8::1]:443',
  'a_b-c.example',
])('Our URL is what the request names: %s', (host) => {
  expect(origin(host)).toBe(`https://${host}`);
});

// Each was a part of the URL that a voice platform was to call.
it.each([
  '',
  'a b',
  'a/b',
  'a@b',
  'a?b',
  'a#b',
  'a"b',
  'ä.example',
  'a%20b',
  'gw.example:99999',
  '[::1',
  '::1',
])('Where it names %j, which is no host, it is the address that the request came to', (host) => {
  expect(origin(host)).toBe('https://192.0.2.1:8080');
  expect(origin(host, '::ffff:192.0.2.1', 'http')).toBe('http://192.0.2.1:8080');
  expect(origin(host, '2001:db8::1')).toBe('https://[2001:db8::1]:8080');
});
