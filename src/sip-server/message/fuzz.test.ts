/** A little of `npm run fuzz` in each run of the tests. */
import { expect, it } from 'vitest';
import { fuzzSip } from '../../../test/fuzz/sip-fuzz.js';

it('reads, writes and frames mutated messages without an error but its own, and the same for the same seed', () => {
  const report = fuzzSip({ seed: 4475, bytes: 200_000 });
  expect(report.taken).toBeGreaterThan(10);
  expect(fuzzSip({ seed: 4475, bytes: 200_000 })).toEqual(report);
});
