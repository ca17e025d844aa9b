import { describe, expect, it } from 'vitest';
import { readSrtpKey, srtpKeyAttribute } from './srtp-key.js';

const read = (...values: string[]) =>
  readSrtpKey({ attributes: values.map((value) => ({ name: 'crypto', value })) });
const base64 = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64');

describe('a=crypto', () => {
  it('reads the first that can be used, without its lifetime', () => {
    const first = `1 AES_CM_128_HMAC_SHA1_80 inline:${base64(30)}|2^31`;
    expect(read(first, `2 AES_CM_128_HMAC_SHA1_32 inline:${base64(30)}`)).toEqual({
      ...{ tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', key: base64(30) },
    });
    expect(srtpKeyAttribute(read(first)!).value).toBe(`1 AES_CM_128_HMAC_SHA1_80 inline:${base64(30)}`);
    expect(read('x', `7 AES_256_CM_HMAC_SHA1_32 inline:${base64(46)}`)?.tag).toBe(7);
  });

  it('reads a key without its `=`, and writes it with them', () => {
    const bare = base64(46).replaceAll('=', '');
    expect(read(`1 AES_256_CM_HMAC_SHA1_80 inline:${bare}`)?.key).toBe(base64(46));
  });

  it.each([
    ['a digit too many', `1 AES_CM_128_HMAC_SHA1_80 inline:${base64(30)}A`],
    ['an unknown suite', `1 F8_128_HMAC_SHA1_80 inline:${base64(30)}`],
    ['a name that every object has', `1 CONSTRUCTOR inline:${base64(30)}`],
    ['a key that is too short', `1 AES_CM_128_HMAC_SHA1_80 inline:${base64(29)}`],
    ['a key that is too long', `1 AES_CM_128_HMAC_SHA1_80 inline:${base64(46)}`],
    ['a key identifier', `1 AES_CM_128_HMAC_SHA1_80 inline:${base64(30)}|2^20|1:4`],
    ['several keys', `1 AES_CM_128_HMAC_SHA1_80 inline:${base64(30)};inline:${base64(30)}`],
    ['session parameters', `1 AES_CM_128_HMAC_SHA1_80 inline:${base64(30)} UNENCRYPTED_SRTP`],
    ['no key', '1 AES_CM_128_HMAC_SHA1_80'],
  ])('takes none with %s', (_what, value) => {
    expect(read(value)).toBeNull();
  });
});
