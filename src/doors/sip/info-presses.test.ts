import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { InfoPresses } from './info-presses.js';

/** At so many ms `5(` a press of 5 begins, `5)` it ends, `5` is a whole one; with the duration that is said. */
type Word = readonly [atMs: number, what: string, durationMs?: number];

let clock: ManualClock;
let presses: InfoPresses;
let told: string[];
/** Told of as held since the last press that was told. */
let held: number;

beforeEach(() => {
  clock = new ManualClock();
  const began = clock.now();
  told = [];
  held = 0;
  const listener = {
    onBegin: () => void (held += 1),
    onPress: (digit: string, durationMs: number) => {
      held = 0;
      told.push(`${digit} of ${durationMs} at ${clock.now() - began}`);
    },
  };
  presses = new InfoPresses(listener, clock);
});

function hear(words: readonly Word[]): string[] {
  const began = clock.now();
  for (const [atMs, what, durationMs = 0] of words) {
    clock.advance(began + atMs - clock.now());
    const [digit = '', mark] = what;
    presses.take({ digit, durationMs, ...(mark !== undefined && { isEnd: mark === ')' }) });
  }
  return told;
}

describe('a press that INFO tells of', () => {
  it.each<[string, readonly Word[], readonly string[]]>([
    [
      'as a whole is one, at once',
      [
        [0, '5', 250],
        [300, '5', 250],
      ],
      ['5 of 250 at 0', '5 of 250 at 300'],
    ],
    [
      'at its beginning and its end is one',
      [
        [0, '5('],
        [160, '5)', 160],
      ],
      ['5 of 160 at 160'],
    ],
    [
      'again and again while it lasts is one',
      [
        [0, '5('],
        [50, '5(', 50],
        [500, '5(', 500],
        [900, '5)', 900],
      ],
      ['5 of 900 at 900'],
    ],
    [
      'with durations that stand still is as long as it lasted',
      [
        [0, '5(', 100],
        [1500, '5)', 100],
      ],
      ['5 of 1500 at 1500'],
    ],
    [
      'that is longer than its duration can say is as long as it lasted',
      [
        [0, '5('],
        [10_000, '5)', 8191],
      ],
      ['5 of 2000 at 2000'],
    ],
    [
      'and whose end is told again is one',
      [
        [0, '5('],
        [160, '5)', 160],
        [160, '5)', 160],
        [900, '5)', 160],
      ],
      ['5 of 160 at 160'],
    ],
    [
      'is one each, of equal keys',
      [
        [0, '5('],
        [100, '5)', 100],
        [200, '5('],
        [300, '5)', 100],
      ],
      ['5 of 100 at 100', '5 of 100 at 300'],
    ],
    [
      'is one each, of keys that overlap',
      [
        [0, '1('],
        [80, '2('],
        [160, '1)', 160],
        [240, '2)', 160],
      ],
      ['1 of 80 at 80', '2 of 0 at 80'],
    ],
    [
      'at its end alone is one each',
      [
        [0, '5)', 160],
        [300, '5)', 160],
        [310, '5)', 160],
      ],
      ['5 of 160 at 0', '5 of 160 at 300'],
    ],
    [
      'at its end alone, once, is one from a phone that sent beginnings before',
      [
        [0, '5('],
        [100, '5)', 100],
        [1200, '5)', 100],
      ],
      ['5 of 100 at 100', '5 of 100 at 1200'],
    ],
    [
      'at its beginning alone is one each',
      [
        [0, '5(', 160],
        [400, '5(', 160],
        [800, '1(', 160],
      ],
      ['5 of 160 at 400', '5 of 160 at 400', '1 of 160 at 800'],
    ],
    [
      'at its beginning alone is one each, however long each was',
      [
        [0, '5(', 100],
        [400, '5(', 160],
        [900, '5(', 200],
      ],
      ['5 of 100 at 400', '5 of 160 at 400', '5 of 200 at 900'],
    ],
    [
      'as a whole after one without an end is one beside that',
      [
        [0, '5(', 160],
        [400, '6', 160],
      ],
      ['5 of 160 at 400', '6 of 160 at 400'],
    ],
  ])('%s', (_what, words, expected) => {
    expect(hear(words)).toEqual(expected);
    presses.close();
    clock.advance(120_000);
    expect(told).toEqual(expected);
    expect(clock.pending).toBe(0);
  });

  it('at its beginning alone is told two seconds later the first time, and at once from then on', () => {
    hear([[0, '5(', 160]]);
    clock.advance(2000);
    expect(told).toEqual(['5 of 160 at 2000']);
    clock.advance(1000);
    presses.take({ digit: '6', durationMs: 160, isEnd: false });
    expect(told).toEqual(['5 of 160 at 2000', '6 of 160 at 3000']);
  });

  it('is told of as held once, from its beginning to its end', () => {
    hear([[0, '5('], [50, '5(', 50]]); // prettier-ignore
    expect(held).toBe(1);
    hear([[100, '5)', 150]]);
    expect(held).toBe(0);
    hear([[200, '6']]);
    expect(held).toBe(0);
  });

  it('and whose end comes later than that is one, and the next is waited for', () => {
    hear([[0, '5('], [5000, '5)', 5000], [6000, '7('], [11_000, '7)', 5000]]); // prettier-ignore
    expect(told).toEqual(['5 of 2000 at 2000', '7 of 5000 at 11000']);
  });
});
