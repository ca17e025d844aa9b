import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ConnectionKeepAlive } from './connection-keep-alive.js';

let pings: number;
let keepAlive: ConnectionKeepAlive;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  pings = 0;
  const connection = { isUsed: true, ping: () => void (pings += 1), broken: () => undefined };
  keepAlive = new ConnectionKeepAlive(connection, { everyMs: 100_000, pongMs: 10_000 });
});

afterEach(() => {
  keepAlive.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it('a connection is pinged as often as its peer wants, and no more seldom than it is told to be (RFC 5626 §4.4.1)', () => {
  keepAlive.within(30_000);
  // After 80 to 100 % of it.
  vi.advanceTimersByTime(27_000);
  expect(pings).toBe(1);
  keepAlive.within(300_000);
  vi.advanceTimersByTime(27_000);
  expect(pings).toBe(2);
});

it('a connection that is closed is pinged no more, whatever its peer wanted', () => {
  keepAlive.close();
  keepAlive.within(30_000);
  vi.advanceTimersByTime(300_000);
  expect(pings).toBe(0);
});
