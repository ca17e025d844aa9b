import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isP256, isSignedEs256, signEs256 } from './es256.js';

describe('ES256', () => {
  it('verifies the signature of RFC 7515, appendix A.3', () => {
    const key = createPublicKey({
      format: 'jwk',
      key: {
        ...{ kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU' },
        y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
      },
    });
    const text =
      'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';
    const signature = Buffer.from(
      'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q',
      'base64url',
    );
    expect(isSignedEs256(key, text, signature)).toBe(true);
    expect(isSignedEs256(key, `${text}A`, signature)).toBe(false);
    expect(isSignedEs256(key, text, Buffer.alloc(64))).toBe(false);
  });

  it('signs with two numbers of 32 bytes, which are no DER', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signature = signEs256(privateKey, 'text');
    expect(signature).toHaveLength(64);
    expect(isSignedEs256(publicKey, 'text', signature)).toBe(true);
  });

  it('is of one curve', () => {
    const keys = [
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('ed25519'),
    ];
    expect(keys.map(({ publicKey }) => isP256(publicKey))).toEqual([true, false, false, false]);
  });
});
