import { describe, expect, it } from 'vitest';
import { defaultTimerSettings, timerDelayMs, type TimerName } from './timers.js';

const ms = (name: TimerName, reliable: boolean, round = 0): number | null =>
  timerDelayMs(name, reliable, round, defaultTimerSettings);

describe('the timers of RFC 3261 and RFC 6026', () => {
  it.each([
    ['A', 500, null],
    ['B', 32_000, 32_000],
    ['C', 192_000, 192_000],
    ['D', 32_000, 0],
    ['E', 500, null],
    ['F', 32_000, 32_000],
    ['G', 500, null],
    ['H', 32_000, 32_000],
    ['I', 5_000, 0],
    ['J', 32_000, 0],
    ['K', 5_000, 0],
    ['L', 32_000, 32_000],
    ['M', 32_000, 32_000],
  ] as const)('%s lasts %s ms over UDP and %s ms over a connection', (name, unreliable, reliable) => {
    expect(ms(name, false)).toBe(unreliable);
    expect(ms(name, true)).toBe(reliable);
  });

  it('double without end for A, up to T2 for E and G', () => {
    const rounds = [0, 1, 2, 3, 4, 5];
    expect(rounds.map((round) => ms('A', false, round))).toEqual([500, 1000, 2000, 4000, 8000, 16_000]);
    expect(rounds.map((round) => ms('E', false, round))).toEqual([500, 1000, 2000, 4000, 4000, 4000]);
    expect(rounds.map((round) => ms('G', false, round))).toEqual([500, 1000, 2000, 4000, 4000, 4000]);
  });
});
