import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attribute } from './attributes.js';
import { cryptoAttribute, cryptoAttributes } from './crypto-attributes.js';

const keyAndSalt = Buffer.from('WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz', 'base64');
const inline = `inline:${keyAndSalt.toString('base64')}`;
const read = (...values: readonly string[]) =>
  cryptoAttributes({ attributes: values.map((value) => attribute('crypto', value)) });

describe('a key in a session description (RFC 4568)', () => {
  it('is read with its tag and its suite', () => {
    expect(read(`1 AES_CM_128_HMAC_SHA1_80 ${inline}`)).toEqual([
      { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', keyAndSalt, mki: null, demands: [] },
    ]);
  });

  it.each([
    ['a lifetime as a power of two', `${inline}|2^20`, null],
    ['a lifetime as a number', `${inline}|1048576`, null],
    ['a lifetime and a name', `${inline}|2^31|1:4`, '00000001'],
    ['a name alone', `${inline}|258:2`, '0102'],
    ['no padding', inline.replace(/=+$/, ''), null],
  ])('is read with %s', (_, key, mki) => {
    const [found] = read(`0 AES_CM_128_HMAC_SHA1_32 ${key}`);
    expect(found).toMatchObject({ tag: 0, keyAndSalt });
    expect(found?.mki?.toString('hex') ?? null).toBe(mki);
  });

  it('says what the far end relies on, and leaves out what may be ignored', () => {
    const line = `1 AES_CM_128_HMAC_SHA1_80 ${inline}`;
    expect(read(`${line} UNENCRYPTED_SRTP  KDR=1`)[0]?.demands).toEqual(['UNENCRYPTED_SRTP', 'KDR=1']);
    expect(read(`${line} WSH=128 -SOMETHING`)[0]?.demands).toEqual([]);
  });

  it.each([
    ['nothing', ''],
    ['no tag', `AES_CM_128_HMAC_SHA1_80 ${inline}`],
    ['no key', '1 AES_CM_128_HMAC_SHA1_80'],
    ['a key by another method', `1 AES_CM_128_HMAC_SHA1_80 ${inline.replace('inline', 'uri')}`],
    ['several keys', `1 AES_CM_128_HMAC_SHA1_80 ${inline}|1:1;${inline}|2:1`],
    ['no base64', '1 AES_CM_128_HMAC_SHA1_80 inline:***'],
    ['digits in its base64 that mean nothing', '1 AES_CM_128_HMAC_SHA1_80 inline:AAB='],
    ['a name that does not fit its length', `1 AES_CM_128_HMAC_SHA1_80 ${inline}|256:1`],
    ['a name of no length', `1 AES_CM_128_HMAC_SHA1_80 ${inline}|0:0`],
    ['a name that is too long', `1 AES_CM_128_HMAC_SHA1_80 ${inline}|1:129`],
  ])('is passed over with %s, and the next one is read', (_, value) => {
    expect(read(value, `2 AEAD_AES_128_GCM ${inline}`).map(({ tag }) => tag)).toEqual([2]);
  });

  it('is written as it is read', () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), fc.uint8Array({ minLength: 1, maxLength: 46 }), (tag, octets) => {
        const written = { tag, suite: 'AEAD_AES_256_GCM', keyAndSalt: Buffer.from(octets) };
        expect(read(cryptoAttribute(written).value!)).toEqual([{ ...written, mki: null, demands: [] }]);
      }),
    );
  });

  it('is not hung up by a line of a stranger', () => {
    fc.assert(fc.property(fc.string(), (text) => void read(text, `1 S ${text}`, `1 S ${inline} ${text}`)));
  });
});
