import { describe, expect, it } from 'vitest';
import { parseCSeq } from './cseq.js';
import { formatNameAddr, parseNameAddr } from './name-addr.js';
import { splitCommas } from './parameters.js';
import { formatVia, parseVia } from './via.js';

describe('parseNameAddr', () => {
  it.each([
    ['<sip:a@b>', { uri: 'sip:a@b', params: new Map() }],
    ['sip:a@b;tag=x', { uri: 'sip:a@b', params: new Map([['tag', 'x']]) }],
    ['<sip:a@b;lr>;Tag="x;y"', { uri: 'sip:a@b;lr', params: new Map([['tag', 'x;y']]) }],
    ['"Q \\"<>\\" ," <sip:a@b>', { displayName: 'Q "<>" ,', uri: 'sip:a@b', params: new Map() }],
    [
      'Two  Words<sip:a@b> ; expires = 5',
      { displayName: 'Two  Words', uri: 'sip:a@b', params: new Map([['expires', '5']]) },
    ],
    ['<sip:John Doe@b>', { uri: 'sip:John Doe@b', params: new Map() }],
    ['<sip:a@b>;; tag=x; ;', { uri: 'sip:a@b', params: new Map([['tag', 'x']]) }],
  ])('reads %s', (text, expected) => {
    expect(parseNameAddr(text)).toEqual(expected);
    expect(parseNameAddr(formatNameAddr(expected))).toEqual(expected);
  });

  it.each([
    '',
    '<>',
    '<sip:a@b',
    '"x" sip:a@b',
    '"x <sip:a@b>',
    'sip:a@b?h=v',
    'a@b',
    '<sip:a\tb>',
    '<sip:a@b>;,',
    '<sip:a@b> x',
    '[sip:x@y]',
    'x',
    'sip:a,b@c',
  ])('refuses %j', (text) => {
    expect(parseNameAddr(text)).toBeNull();
  });
});

describe('splitCommas', () => {
  it('splits between values, not inside quotes or brackets', () => {
    expect(splitCommas('"a,b" <sip:x,y@z>;p="q,r" , <sip:c>,, d')).toEqual([
      '"a,b" <sip:x,y@z>;p="q,r"',
      '<sip:c>',
      'd',
    ]);
    expect(splitCommas('  ')).toEqual([]);
    expect(splitCommas('"open, quote')).toEqual(['"open, quote']);
    expect(splitCommas('<sip:a"b>, c')).toEqual(['<sip:a"b>', 'c']);
  });
});

describe('parseVia', () => {
  it('reads blanks, IPv6 and valueless parameters', () => {
    expect(parseVia('SIP / 2.0 / udp [2001:db8::1] : 5070 ; rport;branch=z9hG4bKx')).toEqual({
      transport: 'UDP',
      host: '2001:db8::1',
      port: 5070,
      params: new Map([
        ['rport', undefined],
        ['branch', 'z9hG4bKx'],
      ]),
    });
    expect(formatVia(parseVia('SIP/2.0/WS x.invalid;branch=z9hG4bKx;rport')!)).toBe(
      'SIP/2.0/WS x.invalid;branch=z9hG4bKx;rport',
    );
  });

  it.each([
    ['stray semicolons', 'SIP/2.0/UDP x;;rport;'],
    ['a comment', 'SIP/2.0/UDP x;rport (Acme; SBC)'],
    ['a comment alone', 'SIP/2.0/UDP x ;rport ()'],
  ])('forgives %s', (_, text) => {
    expect(parseVia(text)).toMatchObject({ host: 'x', params: new Map([['rport', undefined]]) });
  });

  it.each([
    '',
    'SIP/2.0/UDP x)',
    'SIP/2.0/UDP (x)',
    'SIP/2.0/UDP',
    'SIP/1.0/UDP x',
    'SIP/2.0/UDP x:0',
    'SIP/2.0/UDP x:99999',
    'SIP/2.0/UDP x y',
    'SIP/2.0/UDP [x]',
    'SIP/2.0/UDP x;a=b c',
  ])('refuses %j', (text) => {
    expect(parseVia(text)).toBeNull();
  });
});

it('reads a CSeq and refuses what is none', () => {
  for (const zeros of ['000', '0'.repeat(4000)])
    expect(parseCSeq(`${zeros}9  INVITE`)).toEqual({ number: 9, method: 'INVITE' });
  for (const text of ['', '1', 'INVITE 1', '-1 ACK', '2147483648 ACK', '0'.repeat(8000), '1 A B'])
    expect(parseCSeq(text)).toBeNull();
});
