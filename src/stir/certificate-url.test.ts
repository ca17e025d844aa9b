import { describe, expect, it } from 'vitest';
import { allowedUrl } from './certificate-url.js';

const rules = { ports: [443, 8443], hosts: [] };

describe('The URL of a certificate', () => {
  it('is https, to a host, with a path', () => {
    expect(allowedUrl('https://cert.example.org/a/b.pem', rules)?.href).toBe(
      'https://cert.example.org/a/b.pem',
    );
    expect(allowedUrl('https://cert.example.org:8443/a.pem', rules)?.port).toBe('8443');
  });

  it.each([
    'http://cert.example.org/a.pem',
    'HTTP://cert.example.org/a.pem',
    'ftp://cert.example.org/a.pem',
    'file:///etc/passwd',
    'data:text/plain,abc',
    '//cert.example.org/a.pem',
    'https:cert.example.org/a.pem',
    'https:\\\\cert.example.org\\a.pem',
    'https://user@cert.example.org/a.pem',
    'https://user:pw@cert.example.org/a.pem',
    'https://cert.example.org@evil.example/a.pem',
    'https://cert.example.org/a.pem?x=1',
    'https://cert.example.org/a.pem#x',
    'https://cert.example.org/a;b=c.pem',
    'https://cert.example.org:22/a.pem',
    'https://cert.example.org:0/a.pem',
    'https://cert.example.org/a b.pem',
    'https://cert.example.org/\r\nHost: x',
    'https://exämple.org/a.pem',
    'https://',
    'https://[::1',
    '',
    `https://cert.example.org/${'a'.repeat(600)}`,
  ])('is not %s', (url) => {
    expect(allowedUrl(url, rules)).toBeNull();
  });

  it('is of a host of the list, where there is one', () => {
    const listed = { ...rules, hosts: ['cert.example.org', '*.Example.com'] };
    const allowed = (host: string) => allowedUrl(`https://${host}/a.pem`, listed) !== null;
    expect(['cert.example.org', 'CERT.example.org', 'a.example.com', 'a.b.example.com'].map(allowed)).toEqual(
      [true, true, true, true],
    );
    expect(
      [
        'example.org',
        'xcert.example.org',
        'example.com',
        'xexample.com',
        'example.com.evil.example',
        '.example.com',
      ].some(allowed),
    ).toBe(false);
  });
});
