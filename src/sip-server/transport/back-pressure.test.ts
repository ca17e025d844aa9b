import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { BackPressure } from './back-pressure.js';

let told: string[];
const outlet = {
  waitingBytes: 0,
  pause: () => told.push('pause'),
  resume: () => told.push('resume'),
  drop: () => told.push('drop'),
};
let pressure: BackPressure;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  pressure = new BackPressure(outlet, 1000);
});
afterEach(() => void vi.useRealTimers());

function write(waitingBytes: number): void {
  outlet.waitingBytes = waitingBytes;
  pressure.written();
}

function take(left: number): void {
  outlet.waitingBytes = left;
  pressure.taken();
}

it('leaves alone a peer that takes everything at once', () => {
  write(0);
  take(0);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('reads nothing of a peer that leaves too much waiting, until it has taken enough', () => {
  write(65_536);
  write(65_537);
  write(100_000);
  expect(told).toEqual(['pause']);
  take(70_000);
  expect(told).toEqual(['pause']);
  take(65_536);
  take(0);
  expect(told).toEqual(['pause', 'resume']);
});

it('drops a peer that takes nothing for the time, not one that takes little by little', () => {
  write(3000);
  for (const left of [2000, 1000]) {
    vi.advanceTimersByTime(999);
    take(left);
  }
  vi.advanceTimersByTime(999);
  expect(told).toEqual([]);
  write(4000);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(['drop']);
});

it('leaves no timer behind', () => {
  write(10);
  pressure.close();
  pressure.close();
  expect(vi.getTimerCount()).toBe(0);
});
