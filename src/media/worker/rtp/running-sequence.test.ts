import { describe, expect, it } from 'vitest';
import { RunningSequence } from './running-sequence.js';

/** At the number, with so many packets' time; the numbers that come out, `-` for what does not. */
type Sent = readonly [sequenceNumber: number, time: number, ssrc?: number];

function run(...sent: readonly Sent[]): (number | '-')[] {
  const sequence = new RunningSequence();
  return sent.map(([sequenceNumber, time, ssrc = 7]) => {
    const timestamp = (0xffff_ff00 + time * 160) >>> 0;
    return sequence.numberOf({ ssrc, sequenceNumber: sequenceNumber & 0xffff, timestamp }) ?? '-';
  });
}

const from = (first: number, count: number, time: number): Sent[] =>
  Array.from({ length: count }, (_, index) => [first + index, time + index]);
const numbers = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => (first + index) & 0xffff);

describe('the sequence of a source', () => {
  it.each<[string, readonly Sent[], readonly (number | '-')[]]>([
    ['goes on over the wrap', from(65_534, 4, 0), [65_534, 65_535, 0, 1]],
    [
      'keeps its losses',
      [
        [10, 0],
        [13, 3],
      ],
      [10, 13],
    ],
    [
      'keeps its order',
      [
        [10, 0],
        [12, 2],
        [11, 1],
        [13, 3],
      ],
      [10, 12, 11, 13],
    ],
    [
      'keeps four late packets in a row',
      [[10, 0], [15, 5], ...from(11, 4, 1), [16, 6]],
      [10, 15, 11, 12, 13, 14, 16],
    ],
    [
      'has no copies',
      [
        [10, 0],
        [10, 0],
        [11, 1],
        [11, 1],
      ],
      [10, '-', 11, '-'],
    ],
    [
      'begins anew with another SSRC',
      [
        [10, 0],
        [500, 0, 8],
      ],
      [10, 500],
    ],
    [
      'begins anew with a large jump',
      [
        [10_000, 0],
        [100, 1],
      ],
      [10_000, 100],
    ],
    [
      'goes on where the source begins anew and its time goes on',
      [...from(10, 5, 0), ...from(2, 3, 5)],
      numbers(10, 8),
    ],
    [
      'goes on where the source never counts',
      [
        [10, 0],
        [10, 1],
        [10, 2],
      ],
      [10, 11, 12],
    ],
    [
      'goes on after five packets where its time begins anew, too',
      [...from(10, 20, 0), ...from(10, 7, 0)],
      [...numbers(10, 20), 10, 11, 12, 13, 30, 31, 32],
    ],
    [
      'goes on after two where they are too far behind to be late',
      [...from(2000, 2, 300), ...from(1000, 3, 0)],
      [2000, 2001, '-', 2002, 2003],
    ],
    [
      'is not led astray by one that is far behind',
      [...from(2000, 2, 300), [1000, 0], ...from(2002, 2, 302)],
      [2000, 2001, '-', 2002, 2003],
    ],
    ['goes on each time', [...from(10, 3, 0), ...from(10, 2, 3), ...from(10, 2, 5)], numbers(10, 7)],
  ])('%s', (_what, sent, expected) => {
    expect(run(...sent)).toEqual(expected);
  });

  it('is not led astray by the timestamps of telephone events', () => {
    const sequence = new RunningSequence();
    const number = (sequenceNumber: number, timestamp: number, isTimed: boolean) =>
      sequence.numberOf({ ssrc: 7, sequenceNumber, timestamp }, isTimed);
    expect(number(10, 1600, true)).toBe(10);
    expect(number(12, 9000, false)).toBe(12);
    expect(number(12, 9000, false)).toBe(12);
    expect(number(11, 9000, false)).toBe(11);
    expect(number(13, 1760, true)).toBe(13);
  });
});
