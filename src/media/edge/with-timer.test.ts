import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimeOver, withTimer } from './with-timer.js';

describe('a call raced with a timer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('settles as the work does, and leaves no timer', async () => {
    await expect(withTimer(Promise.resolve(7), 100, () => expect.unreachable())).resolves.toBe(7);
    await expect(withTimer(Promise.reject(new Error('no')), 100, () => expect.unreachable())).rejects.toThrow(
      'no',
    );
    // drachtio-srf rejects with strings.
    await expect(withTimer(Promise.reject('text'), 100, () => expect.unreachable())).rejects.toThrow('text');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects when the time is up, and hands over what comes after it', async () => {
    const late: number[] = [];
    let finish: (value: number) => void = () => undefined;
    const work = new Promise<number>((resolve) => (finish = resolve));
    const raced = withTimer(work, 100, (value) => late.push(value));
    vi.advanceTimersByTime(100);
    await expect(raced).rejects.toBeInstanceOf(TimeOver);
    finish(7);
    await work;
    expect(late).toEqual([7]);
  });

  it('rejects when nobody waits any longer, also where that was so from the beginning', async () => {
    const never = new Promise<never>(() => undefined);
    const controller = new AbortController();
    const raced = withTimer(never, 100, () => undefined, controller.signal);
    controller.abort();
    await expect(raced).rejects.toBeInstanceOf(TimeOver);
    await expect(withTimer(never, 100, () => undefined, controller.signal)).rejects.toBeInstanceOf(TimeOver);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets a late error go', async () => {
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<number>((_resolve, reject) => (fail = reject));
    const raced = withTimer(work, 100, () => expect.unreachable());
    vi.advanceTimersByTime(100);
    await expect(raced).rejects.toBeInstanceOf(TimeOver);
    fail(new Error('late'));
    await expect(work).rejects.toThrow('late');
  });
});
