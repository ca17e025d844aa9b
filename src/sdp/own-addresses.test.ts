import { describe, expect, it } from 'vitest';
import { OwnAddresses } from './own-addresses.js';

const own = new OwnAddresses({
  addresses: ['192.0.2.1', '2001:db8::1'],
  ranges: [
    { from: 20_000, to: 29_999 },
    { from: 5060, to: 5060 },
  ],
});

describe('the addresses of the gateway itself', () => {
  it.each([
    ['192.0.2.1', 20_000],
    ['192.0.2.1', 29_999],
    ['192.0.2.1', 5060],
    ['::ffff:192.0.2.1', 25_000],
    ['2001:db8::1', 25_001],
    ['2001:0db8:0:0::1', 25_001],
  ])('are no destination: %s port %i', (address, port) => {
    expect(() => own.refuse(null, { address, port })).toThrow(expect.objectContaining({ code: 'bad-sdp' }));
  });

  it.each([
    ['192.0.2.1', 30_000],
    ['192.0.2.1', 5061],
    ['192.0.2.2', 20_000],
    ['2001:db8::2', 25_000],
  ])('are not those of a phone beside it: %s port %i', (address, port) => {
    expect(() => own.refuse({ address, port }, null)).not.toThrow();
  });
});
