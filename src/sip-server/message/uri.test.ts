import { describe, expect, it } from 'vitest';
import { escapeUser, formatUri, parseUri, redactUri, unescapeUri } from './uri.js';

describe('parseUri', () => {
  it('reads every part', () => {
    expect(parseUri('SIPS:alice:s3;c?@[2001:DB8::1]:5061;Transport=tcp;lr?Subject=a&X=%20')).toEqual({
      scheme: 'sips',
      user: 'alice',
      password: 's3;c?',
      host: '2001:DB8::1',
      port: 5061,
      params: new Map([
        ['transport', 'tcp'],
        ['lr', undefined],
      ]),
      headers: new Map([
        ['Subject', 'a'],
        ['X', '%20'],
      ]),
    });
    expect(parseUri('tel:+1-201-555-0123;ext=7')).toMatchObject({
      scheme: 'tel',
      user: '+1-201-555-0123',
      host: '',
    });
    expect(parseUri('sip:host_1')).toMatchObject({ host: 'host_1' });
  });

  it('forgives a third colon before an address of IPv4, and no other (RFC 5118 §4.10)', () => {
    expect(parseUri('sip:user@[2001:db8:::192.0.2.1]:5070')).toMatchObject({
      host: '2001:db8::192.0.2.1',
      port: 5070,
    });
    expect(parseUri('sip:[:::192.0.2.1]')?.host).toBe('::192.0.2.1');
    for (const host of ['2001:::1', ':::', '::::192.0.2.1', '2001:::1:192.0.2.1', ':::192.0.2.256'])
      expect(parseUri(`sip:[${host}]`)).toBeNull();
  });

  it('forgives stray semicolons', () => {
    for (const text of ['sip:a@b;', 'sip:a@b;;transport=tcp', 'tel:+1;;ext=2;'])
      expect(parseUri(text)).not.toBeNull();
    expect(parseUri('sip:a@b;;transport=tcp;')?.params).toEqual(new Map([['transport', 'tcp']]));
  });

  it.each([
    '',
    'sip:',
    'sip',
    'http://x',
    'sip:@host',
    'sip:a@b@c',
    'sip:a@',
    'sip:a b@c',
    'sip:host:',
    'sip:host:0',
    'sip:host:65536',
    'sip:host:5060x',
    'sip:[::1',
    'sip:[x]',
    'sip:::1',
    'sip:a@b;=c',
    'sip:a@b?c',
    'sip:a@b?=c',
    '<sip:a@b>',
    'sip:a@-b',
    'tel:',
    'tel:alice',
    'sip:a@b\0',
    `sip:${'h'.repeat(256)}`,
  ])('refuses %j', (text) => {
    expect(parseUri(text)).toBeNull();
  });
});

it('writes a URI back as it was', () => {
  for (const text of [
    'sip:a@b',
    'sips:a:p@[::1]:5061;lr;x=y?h=v&i=',
    'tel:+1;phone-context=x',
    'sip:h:5060',
  ]) {
    expect(formatUri(parseUri(text)!)).toBe(text);
  }
});

it('keeps passwords, headers and tokens out of logs', () => {
  expect(redactUri(parseUri('sip:a:secret@b;token=eyJ;lr?User-to-User=eyJ')!)).toBe(
    'sip:a:***@b;token=***;lr',
  );
});

it('undoes and makes escapes', () => {
  expect(unescapeUri('a%40b%2')).toBe('a%40b%2');
  expect(unescapeUri('a%40b')).toBe('a@b');
  expect(escapeUser('a@b c/;é')).toBe('a%40b%20c/;%C3%A9');
});
