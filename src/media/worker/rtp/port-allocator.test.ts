import { describe, expect, it } from 'vitest';
import { PortAllocator } from './port-allocator.js';

describe('PortAllocator', () => {
  it('hands out even ports with room for the odd one above, each once', () => {
    const ports = new PortAllocator({ from: 20_001, to: 20_008, startAt: 0 });
    expect([ports.take(), ports.take(), ports.take()]).toEqual([20_002, 20_004, 20_006]);
    expect(() => ports.take()).toThrow(expect.objectContaining({ code: 'overloaded' }));
  });

  it('begins anywhere in the range and goes round', () => {
    const ports = new PortAllocator({ from: 20_000, to: 20_005, startAt: 0.99 });
    expect([ports.take(), ports.take(), ports.take()]).toEqual([20_004, 20_000, 20_002]);
  });

  it('lets a released pair rest for 30 s where there are others', () => {
    let now = 0;
    const ports = new PortAllocator({ from: 20_000, to: 20_003, now: () => now, startAt: 0 });
    ports.release(ports.take());
    ports.release(20_000);
    now = 29_999;
    expect(ports.available).toBe(1);
    ports.release(ports.take());
    expect(ports.available).toBe(0);
    now = 30_000;
    expect(ports.available).toBe(1);
    expect(ports.take()).toBe(20_000);
    expect(ports.taken).toBe(1);
    expect(ports.takenUnrested).toBe(0);
  });

  it('takes the pair that has rested longest, and counts it, where none has rested enough', () => {
    let now = 0;
    const ports = new PortAllocator({ from: 20_000, to: 20_005, now: () => now, startAt: 0 });
    for (const port of [ports.take(), ports.take(), ports.take()].reverse()) {
      now += 1;
      ports.release(port);
    }
    expect([ports.take(), ports.take(), ports.take()]).toEqual([20_004, 20_002, 20_000]);
    expect(ports.takenUnrested).toBe(3);
    expect(() => ports.take()).toThrow(expect.objectContaining({ code: 'overloaded' }));
  });

  it('lets the pairs rest from the start that phones of a worker that died still send to, those of others left out', () => {
    let now = 0;
    const resting = [20_002, 20_000, 30_000];
    const ports = new PortAllocator({ from: 20_000, to: 20_005, now: () => now, startAt: 0, resting });
    expect([ports.take(), ports.take()]).toEqual([20_004, 20_000]);
    expect(ports.takenUnrested).toBe(1);
    now = 30_000;
    expect(ports.available).toBe(1);
  });

  it('does not grow over many calls', () => {
    const ports = new PortAllocator({ from: 20_000, to: 20_099, restMs: 0 });
    for (let i = 0; i < 10_000; i++) ports.release(ports.take());
    expect(ports.available).toBe(50);
  });
});
