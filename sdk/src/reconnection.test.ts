import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { delayBeforeMs, Reconnection, type AttemptResult } from './reconnection.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function reconnection(results: (AttemptResult | Error)[], timeoutMs = 60_000) {
  const told: string[] = [];
  const tries: number[] = [];
  const subject = new Reconnection({
    attempt: (number) => {
      tries.push(number);
      const result = results.shift() ?? 'again';
      return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
    },
    onDone: () => told.push('done'),
    onGaveUp: (error) => told.push(error instanceof Error ? error.message : 'time over'),
    timeoutMs,
    nowMs: () => Date.now(),
    random: () => 0.5,
    delay: (milliseconds, callback) => {
      const timer = setTimeout(callback, milliseconds);
      return () => clearTimeout(timer);
    },
  });
  return { subject, told, tries };
}

describe('Reconnection', () => {
  it('tries soon, then after waits that grow to a limit', () => {
    expect([0, 1, 2, 3, 4, 5, 6].map((number) => delayBeforeMs(number, 0.5))).toEqual([
      100, 500, 1000, 2000, 4000, 8000, 8000,
    ]);
    expect(delayBeforeMs(3, 0)).toBe(1000);
    expect(delayBeforeMs(3, 0.999)).toBeCloseTo(3000, -1);
  });

  it('ends with the first success, and begins anew at the next loss', async () => {
    const { subject, told, tries } = reconnection(['again', 'done', 'done']);
    subject.begin();
    subject.begin();
    await vi.advanceTimersByTimeAsync(700);
    expect(told).toEqual(['done']);
    subject.begin();
    await vi.advanceTimersByTimeAsync(200);
    expect(tries).toEqual([0, 1, 0]);
    expect(subject.isUnderWay).toBe(false);
  });

  it('gives up when the time is over', async () => {
    const { subject, told, tries } = reconnection([], 5000);
    subject.begin();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told).toEqual(['time over']);
    expect(tries).toHaveLength(4);
  });

  it('gives up at once where it has no time, and where an attempt says that none can succeed', async () => {
    const none = reconnection([], 0);
    none.subject.begin();
    expect(none.told).toEqual(['time over']);
    const refused = reconnection([new Error('token-expired')]);
    refused.subject.begin();
    await vi.advanceTimersByTimeAsync(200);
    expect(refused.told).toEqual(['token-expired']);
  });

  it('does not wait any longer when the network is back, and not at all once it is stopped', async () => {
    const { subject, tries } = reconnection(['again', 'again', 'again', 'again']);
    subject.begin();
    await vi.advanceTimersByTimeAsync(700);
    subject.hasten();
    await vi.advanceTimersByTimeAsync(0);
    expect(tries).toEqual([0, 1, 2]);
    subject.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(tries).toEqual([0, 1, 2]);
  });
  it('tries again at once after an attempt that was under way when the network came back, and then waits as before', async () => {
    const waiting: ((result: AttemptResult) => void)[] = [];
    const subject = new Reconnection({
      attempt: () => new Promise((resolve) => waiting.push(resolve)),
      onDone: () => undefined,
      onGaveUp: () => undefined,
      timeoutMs: 60_000,
      nowMs: () => Date.now(),
      random: () => 0.5,
      delay: (milliseconds, callback) => {
        const timer = setTimeout(callback, milliseconds);
        return () => clearTimeout(timer);
      },
    });
    subject.begin();
    await vi.advanceTimersByTimeAsync(100);
    subject.hasten();
    subject.hasten();
    waiting[0]?.('again');
    await vi.advanceTimersByTimeAsync(0);
    expect(waiting).toHaveLength(2);
    waiting[1]?.('again');
    await vi.advanceTimersByTimeAsync(999);
    expect(waiting).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(waiting).toHaveLength(3);
  });
});
