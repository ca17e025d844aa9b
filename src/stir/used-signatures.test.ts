import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { UsedSignatures } from './used-signatures.js';

const signature = (octet: number) => Buffer.alloc(64, octet);

describe('A signature', () => {
  it('is one call’s until it is too old for any', () => {
    const clock = new ManualClock(1000);
    const used = new UsedSignatures({ clock, max: 10 });
    expect(used.take(signature(1), 'one', 2000)).toBe(true);
    expect(used.take(signature(1), 'one', 2000)).toBe(true);
    expect(used.take(signature(1), 'other', 2000)).toBe(false);
    expect(used.take(signature(2), 'other', 2000)).toBe(true);
    clock.advance(1001);
    expect(used.take(signature(1), 'other', 3000)).toBe(true);
  });

  it('is one of so many that are remembered, of which the oldest go', () => {
    const clock = new ManualClock(0);
    const used = new UsedSignatures({ clock, max: 3 });
    for (let octet = 0; octet < 100; octet += 1) used.take(signature(octet), 'one', 1000);
    expect(used.size).toBe(3);
    expect(used.take(signature(98), 'other', 1000)).toBe(false);
    expect(used.take(signature(5), 'other', 1000)).toBe(true);
    clock.advance(1001);
    used.take(signature(200), 'one', 2000);
    expect(used.size).toBe(1);
  });
});
