import { describe, expect, it } from 'vitest';
import { cutOut, keptBytes, littleBytes } from '../../../test/support/heap.js';
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

  it('counts guesses before they are looked up: no more are granted at a moment than may be wrong', async () => {
    const { guesses } = limiter(2);
    expect([guesses.take('a'), guesses.take('a')]).toEqual([true, true]);
    const waiting = [guesses.take('a'), guesses.take('a')];
    guesses.settle('a', true);
    expect(await waiting[0]).toBe(true);
    guesses.settle('a', false);
    guesses.settle('a', false);
    expect(await waiting[1]).toBe(false);
    expect(guesses.take('a')).toBe(false);
    expect(guesses.take('b')).toBe(true);
  });

  it('lets any number of right guesses through', async () => {
    const { guesses } = limiter(1);
    const granted = Array.from({ length: 5 }, () => guesses.take('a'));
    for (const grant of granted) {
      expect(await grant).toBe(true);
      guesses.settle('a', true);
    }
  });

  it('forgets no source whose guess is being looked up', () => {
    const { guesses } = limiter(1, 1);
    expect(guesses.take('a')).toBe(true);
    guesses.failed('b');
    guesses.settle('a', false);
    expect(guesses.take('a')).toBe(false);
  });
});

it('Sources are remembered without the messages that they were read in', async () => {
  const { guesses } = limiter(3, 1000);
  const bytes = await keptBytes(() => {
    for (let at = 0; at < 500; at += 1) {
      guesses.failed(cutOut(`2001:db8:0:${String(at)}::/64`));
      void guesses.take(cutOut(`2001:db8:1:${String(at)}::/64`));
    }
  });
  expect(bytes).toBeLessThan(littleBytes);
  for (let at = 0; at < 2; at += 1) guesses.failed('2001:db8:0:7::/64');
  expect(guesses.isBlocked('2001:db8:0:7::/64')).toBe(true);
});
