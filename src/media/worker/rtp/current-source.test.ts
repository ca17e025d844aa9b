import { describe, expect, it } from 'vitest';
import { CurrentSource } from './current-source.js';

/** `a` sends from one time to another, every 20 ms. */
type Sends = readonly [ssrc: number, fromMs: number, toMs: number];

/** Who is heard, as often as that changes, and from when. */
function heard(...all: readonly Sends[]): string[] {
  const source = new CurrentSource();
  const packets = all
    .flatMap(([ssrc, fromMs, toMs]) =>
      Array.from({ length: (toMs - fromMs) / 20 }, (_, n) => ({ ssrc, atMs: fromMs + n * 20 })),
    )
    .sort((a, b) => a.atMs - b.atMs);
  let before = -1;
  return packets.flatMap(({ ssrc, atMs }) => {
    if (!source.hears(ssrc, atMs) || ssrc === before) return [];
    before = ssrc;
    return [`${String(ssrc)} from ${String(atMs)}`];
  });
}

describe('of sources that send beside each other', () => {
  it.each<[string, readonly Sends[], readonly string[]]>([
    [
      'the next is heard at once where the one before has ended',
      [
        [1, 0, 1000],
        [2, 1000, 2000],
      ],
      ['1 from 0', '2 from 1000'],
    ],
    [
      'the one that began last is heard, for as long as it sends',
      [
        [1, 0, 5000],
        [2, 1010, 3010],
      ],
      ['1 from 0', '2 from 1010', '1 from 3240'],
    ],
    [
      'the last of several is',
      [
        [1, 0, 3000],
        [2, 1000, 3000],
        [3, 2000, 3000],
      ],
      ['1 from 0', '2 from 1000', '3 from 2000'],
    ],
    [
      'one that speaks at times is heard each time',
      [
        [1, 0, 3000],
        [2, 510, 1010],
        [2, 2010, 2510],
      ],
      ['1 from 0', '2 from 510', '1 from 1240', '2 from 2010', '1 from 2740'],
    ],
  ])('%s', (_what, sends, expected) => {
    expect(heard(...sends)).toEqual(expected);
  });

  it('remembers no more than a few, however many there are', () => {
    const source = new CurrentSource();
    for (let ssrc = 0; ssrc < 100_000; ssrc++) source.hears(ssrc, ssrc / 100);
    expect(source.ssrc).toBe(99_999);
    expect(source.hears(99_998, 1000)).toBe(false);
    expect(source.hears(99_999, 1001)).toBe(true);
  });
});
