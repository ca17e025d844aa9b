import { describe, expect, it } from 'vitest';
import { RequestOrder } from './request-order.js';

function taken(first: number | null, ...numbers: readonly number[]): number[] {
  const order = new RequestOrder(first);
  return numbers.filter((number) => order.accepts(number));
}

describe('requests of the peer', () => {
  it('are in order where each has a higher number, gaps and all, and out of order otherwise (RFC 3261 §12.2.2)', () => {
    expect(taken(1, 2, 3, 3, 7, 5, 8, 1)).toEqual([2, 3, 7, 8]);
    expect(taken(4_294_967_000, 4_294_967_001, 4_294_967_000)).toEqual([4_294_967_001]);
  });

  it('may begin with any number in a call of ours', () => {
    expect(taken(null, 0, 1, 1)).toEqual([0, 1]);
    expect(taken(null, 2_147_480_000, 2_147_480_001, 2_147_480_001, 2_147_480_000)).toEqual([
      2_147_480_000, 2_147_480_001,
    ]);
  });

  it('are still in order after one whose number is far ahead, which is not taken twice', () => {
    expect(taken(1, 2, 2_147_483_647, 3, 2_147_483_647, 4, 3)).toEqual([2, 2_147_483_647, 3, 4]);
    expect(taken(1, 90_000, 90_001, 90_000, 2, 90_001, 90_002)).toEqual([90_000, 90_001, 2, 90_002]);
  });
});
