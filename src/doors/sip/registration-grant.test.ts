import { describe, expect, it } from 'vitest';
import { grantedSeconds, secondsIn } from './registration-grant.js';

const asked = 600;
const granted = (contact?: string, expires?: string) => grantedSeconds({ contact, expires }, 'lb1', asked);

describe('What a registrar granted', () => {
  it.each([
    ['its Contact says', '<sip:lb1@192.0.2.1:5060>;expires=120', '3600', 120],
    ['Expires says where its Contact does not', '<sip:lb1@192.0.2.1>', '300', 300],
    ['was asked for where neither says', '<sip:lb1@192.0.2.1>', undefined, asked],
    ['Expires says where there is no Contact', undefined, '300', 300],
    ['was asked for where nothing is said', undefined, undefined, asked],
    [
      'ours says, beside others',
      '<sip:bob@x>;expires=9, "a, <b>" <sip:lb1@[2001:db8::1]:5>;q=1;expires=77',
      '3',
      77,
    ],
    [
      'the only one says, although it was written anew',
      '<sip:gw-17@sbc.example;tok=1>;expires=90',
      undefined,
      90,
    ],
    ['is said without brackets', 'sip:lb1@192.0.2.1;expires=50', undefined, 50],
    ['is said in quotes, by some', '<sip:lb1@x>;Expires = "44"', undefined, 44],
    ['is not what the URI says', '<sip:lb1@x;expires=5>', '70', 70],
    ['was asked for where a word is no number', '<sip:lb1@x>;expires=soon', 'Thu, 01 Dec 1994', asked],
    ['is never longer than was asked for', '<sip:lb1@x>;expires=999999999', '999999999', asked],
    ['is nothing where that is said', '<sip:lb1@x>;expires=0', '600', 0],
    ['is nothing where Expires says so', undefined, '0', 0],
    ['is nothing where only others are kept', '<sip:a@x>;expires=60,<sip:b@x>;expires=60', '60', 0],
  ])('is what %s', (_, contact, expires, seconds) => {
    expect(granted(contact, expires)).toBe(seconds);
  });

  it('is what ours says beside hundreds of others', () => {
    const others = Array.from(
      { length: 500 },
      (_, n) => `"a, b" <sip:other${n}@192.0.2.${n % 250}:5060>;expires=60`,
    );
    expect(granted([...others, '<sip:lb1@192.0.2.1>;expires=77'].join(', '))).toBe(77);
  });

  it('is read in no time of whatever length it is', () => {
    const began = performance.now();
    for (const text of [
      '"'.repeat(60_000),
      '<'.repeat(60_000),
      ',;'.repeat(60_000),
      '\\"'.repeat(60_000),
      'sip:'.repeat(15_000),
      '<,'.repeat(30_000),
    ])
      granted(text, text);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('is a number of seconds, which may be commented on', () => {
    expect([
      secondsIn('90'),
      secondsIn(' 90 ;x'),
      secondsIn('90(ok)'),
      secondsIn('-1'),
      secondsIn(''),
    ]).toEqual([...[90, 90, 90, null, null]]);
  });
});
