import { describe, expect, it } from 'vitest';
import { afterTry, chooseRoute, freshRoute, retryDelayMs, type RouteState } from './retry.js';

const retry = { firstMs: 1000, longestMs: 600_000 };
const routes = { failuresBeforeFallback: 3, probeMs: 60_000 };

describe('The wait for the next try', () => {
  it.each([
    [1, 1000],
    [2, 2000],
    [3, 4000],
    [10, 512_000],
    [11, 600_000],
    [1_000_000, 600_000],
  ])('after %i failures is about %i ms', (attempts, delayMs) => {
    expect(retryDelayMs(attempts, 0.5, retry)).toBe(delayMs);
  });

  it('differs by a fifth either way, within its bounds', () => {
    expect(retryDelayMs(5, 0, retry)).toBe(12_800);
    expect(retryDelayMs(5, 0.999999, retry)).toBe(19_200);
    expect(retryDelayMs(1, 0, retry)).toBe(1000);
    expect(retryDelayMs(20, 0.999, retry)).toBe(600_000);
  });
});

describe('The choice of the URL', () => {
  const after = (...tries: [route: 'first' | 'fallback', isDelivered: boolean, now: number][]): RouteState =>
    tries.reduce((state, [route, ok, now]) => afterTry(state, route, ok, now), freshRoute);
  const down = after(['first', false, 1], ['first', false, 2], ['first', false, 3]);

  it('is the first until it has failed often enough', () => {
    expect(chooseRoute(freshRoute, true, 0, routes)).toBe('first');
    expect(chooseRoute(after(['first', false, 1], ['first', false, 2]), true, 3, routes)).toBe('first');
    expect(chooseRoute(down, true, 4, routes)).toBe('fallback');
    expect(chooseRoute(down, false, 4, routes)).toBe('first');
  });

  it('goes back to the first once a minute, where the fallback fails too, and for good where it works', () => {
    expect(chooseRoute(down, true, 60_002, routes)).toBe('fallback');
    expect(chooseRoute(down, true, 60_003, routes)).toBe('first');
    const probed = afterTry(down, 'first', false, 60_003);
    expect(chooseRoute(probed, true, 60_004, routes)).toBe('fallback');
    const bothDown = afterTry(down, 'fallback', false, 5);
    expect(chooseRoute(bothDown, true, 6, routes)).toBe('first');
    expect(chooseRoute(afterTry(bothDown, 'first', false, 6), true, 7, routes)).toBe('fallback');
    expect(chooseRoute(afterTry(down, 'first', true, 6), true, 7, routes)).toBe('first');
  });
});
