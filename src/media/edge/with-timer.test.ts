import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { pause, TimeOver, withTimer, type TimeLimit } from './with-timer.js';

let clock: ManualClock;
let limit: TimeLimit;
beforeEach(() => {
  clock = new ManualClock();
  limit = { clock, ms: 100 };
});

describe('a call raced with a timer', () => {
  it('settles as the work does, and leaves no timer', async () => {
    await expect(withTimer(Promise.resolve(7), limit, () => expect.unreachable())).resolves.toBe(7);
    await expect(
      withTimer(Promise.reject(new Error('no')), limit, () => expect.unreachable()),
    ).rejects.toThrow('no');
    // drachtio-srf rejects with strings.
    await expect(withTimer(Promise.reject('text'), limit, () => expect.unreachable())).rejects.toThrow(
      'text',
    );
    expect(clock.pending).toBe(0);
  });

  it('rejects when the time is up, and hands over what comes after it', async () => {
    const late: number[] = [];
    let finish: (value: number) => void = () => undefined;
    const work = new Promise<number>((resolve) => (finish = resolve));
    const raced = withTimer(work, limit, (value) => late.push(value));
    clock.advance(100);
    await expect(raced).rejects.toBeInstanceOf(TimeOver);
    finish(7);
    await work;
    expect(late).toEqual([7]);
  });

  it('rejects when nobody waits any longer, also where that was so from the beginning', async () => {
    const never = new Promise<never>(() => undefined);
    const controller = new AbortController();
    const raced = withTimer(never, limit, () => undefined, controller.signal);
    controller.abort();
    await expect(raced).rejects.toBeInstanceOf(TimeOver);
    await expect(withTimer(never, limit, () => undefined, controller.signal)).rejects.toBeInstanceOf(
      TimeOver,
    );
    expect(clock.pending).toBe(0);
  });

  it('lets a late error go', async () => {
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<number>((_resolve, reject) => (fail = reject));
    const raced = withTimer(work, limit, () => expect.unreachable());
    clock.advance(100);
    await expect(raced).rejects.toBeInstanceOf(TimeOver);
    fail(new Error('late'));
    await expect(work).rejects.toThrow('late');
  });
});

describe('a pause', () => {
  it('lasts as long as it should, and leaves no timer', async () => {
    const told: string[] = [];
    const paused = pause(limit).then(() => void told.push('over'));
    clock.advance(99);
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([]);
    clock.advance(1);
    await paused;
    expect(clock.pending).toBe(0);
  });

  it('ends when nobody wants it any longer, also where that was so from the beginning', async () => {
    const controller = new AbortController();
    const paused = pause(limit, controller.signal);
    controller.abort();
    await paused;
    await pause(limit, controller.signal);
    expect(clock.pending).toBe(0);
  });
});
