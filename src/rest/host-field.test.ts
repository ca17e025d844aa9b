import { describe, expect, it } from 'vitest';
import { hostProblem } from './host-field.js';

const problemOf = (hosts: readonly string[], httpVersion = '1.1') =>
  hostProblem({
    httpVersion,
    rawHeaders: hosts.flatMap((host, at) => [at % 2 === 0 ? 'Host' : 'HOST', host]),
  });

describe('the Host header field (RFC 9112 §3.2)', () => {
  it.each([
    'gw.example',
    'gw.example:8080',
    '127.0.0.1:80',
    '[::1]',
    '[fe80::1%25eth0]:8080',
    'a_b',
    'x:',
    '',
  ])('may be %j', (host) => expect(problemOf([host])).toBeNull());

  it.each([
    'a b',
    'a/b',
    'http://a',
    'a@b',
    'a,b c',
    'a:b',
    'a:1:2',
    '[::1',
    '::1',
    'a%zz',
    'ä',
    'a?b',
    'a\\b',
  ])('is none as %j', (host) => expect(problemOf([host])).toMatch(/names no host/));

  it('stands there once, different ones or the same, in HTTP/1.0 too', () => {
    for (const hosts of [
      ['a', 'b'],
      ['a', 'a'],
      ['', 'a'],
    ])
      for (const version of ['1.0', '1.1']) expect(problemOf(hosts, version)).toMatch(/more than one/);
  });

  it('may be missing in HTTP/1.0 alone', () => {
    expect(problemOf([])).toMatch(/no Host/);
    expect(problemOf([], '1.0')).toBeNull();
  });
});
