import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { KeyPresses, type KeySource } from './key-presses.js';

/** At so many ms, told by so and so, with this duration. */
type Word = readonly [atMs: number, source: KeySource, digit: string, durationMs?: number];

function heard(words: readonly Word[]): string {
  const clock = new ManualClock();
  const began = clock.now();
  const presses = new KeyPresses(clock);
  return words
    .filter(([atMs, source, digit, durationMs = 100]) => {
      clock.advance(began + atMs - clock.now());
      return presses.isNew(source, digit, durationMs);
    })
    .map(([, , digit]) => digit)
    .join('');
}

describe('more presses than anybody has fingers for', () => {
  const many = (count: number, everyMs: number): Word[] =>
    Array.from({ length: count }, (_, i) => [i * everyMs, 'media', '5', 10]);

  it('are left out, and the next ones of a person are heard', () => {
    expect(heard(many(800, 1.25)).length).toBeLessThanOrEqual(60);
    expect(heard([...many(800, 1.25), [3000, 'media', '7'], [3300, 'media', '8']])).toMatch(/78$/);
  });

  it('are not those of the quickest dialler, nor a long number that comes at once', () => {
    expect(heard(many(100, 80))).toHaveLength(100);
    expect(heard(many(32, 0))).toHaveLength(32);
  });
});

describe('presses that come in the media and in signalling', () => {
  it.each<[string, Word[], string]>([
    ['one in both is one', [[0, 'signalling', '5'], [100, 'media', '5']], '5'], // prettier-ignore
    ['one in both is one, whichever comes first', [[0, 'media', '5'], [80, 'signalling', '5', 250]], '5'], // prettier-ignore
    ['one whose INFO was lost and sent again is one', [[0, 'media', '5'], [600, 'signalling', '5']], '5'], // prettier-ignore
    ['one whose INFO was lost twice is one', [[0, 'media', '5'], [1600, 'signalling', '5']], '5'], // prettier-ignore
    ['one of 4 s that is passed on in the media when it is over is one, signalled when it began', [[0, 'signalling', '5'], [8000, 'media', '5', 4000]], '5'], // prettier-ignore
    ['one of 4 s that is passed on in the media when it is over is one, signalled when it ended', [[4000, 'signalling', '5', 4000], [8000, 'media', '5', 4000]], '5'], // prettier-ignore
    ['one of 10 s is one, signalled at its end', [[10_000, 'media', '5', 10_000], [10_050, 'signalling', '5', 8191]], '5'], // prettier-ignore
    ['one of 4 s, signalled when it began, is one', [[0, 'signalling', '5'], [4000, 'media', '5', 4000]], '5'], // prettier-ignore
    ['equal ones in both are as many', [[0, 'signalling', '1'], [90, 'media', '1'], [300, 'signalling', '1'], [390, 'media', '1']], '11'], // prettier-ignore
    ['equal ones in both are as many where one way is late', [[0, 'signalling', '1'], [300, 'signalling', '1'], [350, 'media', '1'], [650, 'media', '1']], '11'], // prettier-ignore
    ['a PIN in both is itself', [...'4711'].flatMap((digit, i): Word[] => [[i * 200, 'media', digit], [i * 200 + 50, 'signalling', digit]]), '4711'], // prettier-ignore
    ['one that the media lost leaves the next its own', [[0, 'signalling', '1'], [400, 'signalling', '1'], [500, 'media', '1']], '11'], // prettier-ignore
    ['equal ones by one way are as many as they are', [[0, 'media', '1'], [120, 'media', '1'], [240, 'media', '1']], '111'], // prettier-ignore
    ['INFO alone is heard each time', [[0, 'signalling', '1'], [120, 'signalling', '1']], '11'], // prettier-ignore
    ['different ones are different', [[0, 'media', '1'], [50, 'signalling', '2']], '12'], // prettier-ignore
    ['equal ones by two ways far apart are two', [[0, 'media', '1'], [3000, 'signalling', '1']], '11'], // prettier-ignore
  ])('%s', (_what, words, expected) => {
    expect(heard(words)).toBe(expected);
  });
});
