import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { CallLimiter } from './call-limiter.js';

const unlimited = { maxConcurrentCalls: null, maxCallsPerSecond: null };

describe('The limits of a trunk', () => {
  it('are its own: as many calls at once as it may have, and another when one is over', () => {
    const limiter = new CallLimiter(new ManualClock());
    const limits = { ...unlimited, maxConcurrentCalls: 2 };
    expect([1, 2, 3].map(() => limiter.take('a', limits))).toEqual(['granted', 'granted', 'too-many']);
    expect(limiter.take('b', limits)).toBe('granted');
    limiter.release('a');
    expect(limiter.take('a', limits)).toBe('granted');
    expect(limiter.callsOf('a')).toBe(2);
  });

  it('let calls come as fast as they may, and as many at once after a rest', () => {
    const clock = new ManualClock();
    const limiter = new CallLimiter(clock);
    const limits = { ...unlimited, maxCallsPerSecond: 2 };
    const take = () => limiter.take('a', limits);
    expect([take(), take(), take()]).toEqual(['granted', 'granted', 'too-fast']);
    clock.advance(500);
    expect([take(), take()]).toEqual(['granted', 'too-fast']);
    clock.advance(60_000);
    expect([take(), take(), take()]).toEqual(['granted', 'granted', 'too-fast']);
  });

  it('count no call that came too fast among those that it has', () => {
    const limiter = new CallLimiter(new ManualClock());
    const limits = { maxConcurrentCalls: 2, maxCallsPerSecond: 1 };
    expect([limiter.take('a', limits), limiter.take('a', limits)]).toEqual(['granted', 'too-fast']);
    expect(limiter.callsOf('a')).toBe(1);
  });

  it('can be looked at, which counts nothing', () => {
    const clock = new ManualClock();
    const limiter = new CallLimiter(clock);
    const limits = { maxConcurrentCalls: 2, maxCallsPerSecond: 1 };
    const look = () => limiter.look('a', limits);
    expect([look(), look()]).toEqual(Array(2).fill({ grant: 'granted', calls: 0, left: 1 }));
    limiter.take('a', limits);
    expect(look()).toEqual({ grant: 'too-fast', calls: 1, left: 0 });
    clock.advance(500);
    expect(look()).toEqual({ grant: 'too-fast', calls: 1, left: 0.5 });
    clock.advance(500);
    expect(limiter.take('a', limits)).toBe('granted');
    expect(look().grant).toBe('too-many');
    expect(limiter.look('b', unlimited)).toEqual({ grant: 'granted', calls: 0, left: null });
  });

  it('are forgotten with the trunk, once its last call is over', () => {
    const limiter = new CallLimiter(new ManualClock());
    limiter.take('a', unlimited);
    limiter.forget('a');
    expect(limiter.callsOf('a')).toBe(1);
    limiter.release('a');
    limiter.release('a');
    expect(limiter.callsOf('a')).toBe(0);
  });
});
