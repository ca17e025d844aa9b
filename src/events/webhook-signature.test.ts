import { expect, it } from 'vitest';
import { formatSignature } from './webhook-signature.js';

it('A signature covers the time and the body', () => {
  // echo -n '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'a secret'
  expect(formatSignature('a secret', '{"a":1}', 1_700_000_000_999)).toBe(
    't=1700000000,v1=b4c5d5c08194254de18b80695176335ee482a5907fb5e68f7bd993b1b00b018d',
  );
});
