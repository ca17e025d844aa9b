import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { GuessLimiter } from './guess-limiter.js';

function limiter(maxFailuresPerMinute = 3, maxSources = 2) {
  const clock = new ManualClock();
  return { clock, guesses: new GuessLimiter({ maxFailuresPerMinute, maxSources }, clock) };
}

describe('the limit on guesses', () => {
  it('blocks a source at its last allowed failure, and no other', () => {
    const { guesses } = limiter();
    guesses.failed('a');
    guesses.failed('a');
    expect(guesses.isBlocked('a')).toBe(false);
    guesses.failed('a');
    expect(guesses.isBlocked('a')).toBe(true);
    expect(guesses.isBlocked('b')).toBe(false);
  });

  it('ends a minute after the first failure, not the last', () => {
    const { clock, guesses } = limiter();
    guesses.failed('a');
    clock.advance(40_000);
    guesses.failed('a');
    guesses.failed('a');
    clock.advance(19_999);
    expect(guesses.isBlocked('a')).toBe(true);
    clock.advance(1);
    expect(guesses.isBlocked('a')).toBe(false);
  });

  it('begins anew with the next failure', () => {
    const { clock, guesses } = limiter();
    for (let failure = 0; failure < 3; failure += 1) guesses.failed('a');
    clock.advance(60_000);
    guesses.failed('a');
    guesses.failed('a');
    expect(guesses.isBlocked('a')).toBe(false);
    guesses.failed('a');
    expect(guesses.isBlocked('a')).toBe(true);
  });

  it('is not prolonged by asking', () => {
    const { clock, guesses } = limiter(1);
    guesses.failed('a');
    clock.advance(59_999);
    expect(guesses.isBlocked('a')).toBe(true);
    clock.advance(1);
    expect(guesses.isBlocked('a')).toBe(false);
  });

  it('remembers only so many sources and forgets the oldest', () => {
    const { guesses } = limiter(1, 2);
    for (const source of ['a', 'b', 'c']) guesses.failed(source);
    expect(['a', 'b', 'c'].map((source) => guesses.isBlocked(source))).toEqual([false, true, true]);
  });
});
