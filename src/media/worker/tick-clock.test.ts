import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TickClock, type TickListener } from './tick-clock.js';

describe('TickClock', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  const recorder = (): TickListener & { readonly ticks: number[] } => {
    const ticks: number[] = [];
    return { ticks, onTick: (tick) => void ticks.push(tick) };
  };

  it('ticks every 20 ms, and not at all while nobody listens', () => {
    const clock = new TickClock();
    const listener = recorder();
    vi.advanceTimersByTime(100);
    clock.add(listener);
    vi.advanceTimersByTime(100);
    expect(listener.ticks).toEqual([1, 2, 3, 4, 5]);
    clock.remove(listener);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not let lateness add up', () => {
    let lateMs = 0;
    const clock = new TickClock({ now: () => performance.now() + lateMs });
    const listener = recorder();
    clock.add(listener);
    clock.add({ onTick: () => (lateMs = 0) });
    for (let i = 0; i < 100; i++) {
      lateMs = i % 7;
      vi.advanceTimersByTime(20);
    }
    expect(listener.ticks.length).toBe(100);
    expect(clock.statistics()).toMatchObject({ skipped: 0, latenessMaxMs: 6 });
    clock.close();
  });

  it('makes up for a few missed ticks and skips the rest, which still count', () => {
    let jumpMs = 0;
    const clock = new TickClock({ now: () => performance.now() + jumpMs, maxCatchUp: 2 });
    const listener = recorder();
    clock.add(listener);
    vi.advanceTimersByTime(20);
    jumpMs = 200;
    vi.advanceTimersByTime(20);
    expect(listener.ticks).toEqual([1, 10, 11, 12]);
    expect(clock.statistics()).toMatchObject({ ticks: 4, skipped: 8, latenessMaxMs: 200 });
    clock.close();
  });

  it('may be stopped and started again from within a tick', () => {
    const clock = new TickClock();
    const listener = recorder();
    const restarter: TickListener = {
      onTick: () => {
        clock.remove(restarter);
        clock.add(listener);
      },
    };
    clock.add(restarter);
    vi.advanceTimersByTime(60);
    expect(listener.ticks.length).toBe(3);
    expect(vi.getTimerCount()).toBe(1);
    clock.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('tells the 99th percentile of its lateness', () => {
    let lateMs = 0;
    const clock = new TickClock({ now: () => performance.now() + lateMs });
    expect(clock.statistics().latenessP99Ms).toBe(0);
    clock.add({ onTick: () => (lateMs = 0) });
    for (let i = 0; i < 200; i++) {
      lateMs = i >= 190 ? 9 : 0;
      vi.advanceTimersByTime(20);
    }
    expect(clock.statistics().latenessP99Ms).toBeGreaterThanOrEqual(9);
    clock.close();
  });
});
