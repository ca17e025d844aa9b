import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { WriteBehind, type LossReason, type WriteBehindOptions } from './write-behind.js';

async function twoTurns(): Promise<void> {
  await turn();
  await turn();
}

class Scene {
  readonly clock = new ManualClock();
  readonly written: number[][] = [];
  readonly tried: number[] = [];
  readonly lost: number[] = [];
  readonly why: LossReason[] = [];
  isAway = false;
  readonly queue: WriteBehind<number>;

  constructor(options: Partial<WriteBehindOptions<number>> = {}) {
    this.queue = new WriteBehind<number>({
      write: (items) => {
        if (this.isAway) return Promise.reject(new Error('away'));
        this.written.push([...items]);
        return Promise.resolve();
      },
      onTried: (items) => void this.tried.push(...items),
      onLost: (items, why) => {
        this.lost.push(...items);
        this.why.push(why);
      },
      clock: this.clock,
      maxWaiting: 5,
      ...options,
    });
  }

  add(...items: number[]): void {
    for (const item of items) this.queue.add(item);
  }
}

describe('Writes', () => {
  it('of one turn share one transaction, and those who wait go on when it is done', async () => {
    const scene = new Scene();
    scene.add(1, 2);
    await Promise.resolve().then(() => scene.add(3));
    await scene.queue.settled();
    expect(scene.written).toEqual([[1, 2, 3]]);
    scene.add(4);
    await scene.queue.settled();
    expect(scene.written.flat()).toEqual([1, 2, 3, 4]);
    expect(scene.tried).toEqual([1, 2, 3, 4]);
  });

  it('that fail are tried again in order, told of once, and not acknowledged meanwhile', async () => {
    const scene = new Scene();
    scene.isAway = true;
    scene.add(1, 2);
    await expect(scene.queue.settled()).rejects.toThrow('away');
    scene.add(3);
    expect(scene.tried).toEqual([1, 2]);
    scene.isAway = false;
    scene.clock.advance(1000);
    await scene.queue.settled();
    expect(scene.written).toEqual([[1, 2, 3]]);
    expect(scene.tried).toEqual([1, 2, 3]);
    expect(scene.clock.pending).toBe(0);
  });

  it('that wait are bounded: the oldest are lost, and counted', async () => {
    const scene = new Scene();
    scene.isAway = true;
    scene.add(1, 2, 3, 4, 5);
    await expect(scene.queue.settled()).rejects.toThrow();
    scene.add(6, 7);
    expect(scene.lost).toEqual([1, 2]);
    expect(scene.why).toEqual(['full', 'full']);
    scene.isAway = false;
    scene.clock.advance(1000);
    await scene.queue.settled();
    expect(scene.written).toEqual([[3, 4, 5, 6, 7]]);
    expect(scene.tried).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('of one owner make room for its own: the flood of one displaces nobody else’s', async () => {
    const scene = new Scene({ ownerOf: (item) => (item < 100 ? 'quiet' : 'loud') });
    scene.isAway = true;
    scene.add(1, 101, 102, 103, 104);
    await expect(scene.queue.settled()).rejects.toThrow();
    scene.add(105, 106, 2, 107);
    expect(scene.lost).toEqual([101, 102, 103, 104]);
    scene.isAway = false;
    scene.clock.advance(1000);
    await scene.queue.settled();
    expect(scene.written).toEqual([[1, 105, 106, 2, 107]]);
    expect(scene.tried.toSorted((a, b) => a - b)).toEqual([1, 2, 101, 102, 103, 104, 105, 106, 107]);
    // Nothing is left of those who were counted.
    scene.isAway = true;
    scene.add(4, 5, 6, 107, 108);
    await expect(scene.queue.settled()).rejects.toThrow();
    scene.add(109);
    expect(scene.lost.at(-1)).toBe(4);
    await scene.queue.close();
  });

  it('are tried a last time at the close, which says what was lost and leaves no timer', async () => {
    const scene = new Scene();
    scene.isAway = true;
    scene.add(1);
    await expect(scene.queue.settled()).rejects.toThrow();
    await scene.queue.close();
    await scene.queue.close();
    expect(scene.lost).toEqual([1]);
    expect(scene.why).toEqual(['closed']);
    expect(scene.clock.pending).toBe(0);
    const other = new Scene();
    other.add(1);
    await other.queue.close();
    expect(other.written).toEqual([[1]]);
  });

  it('of one pause share one transaction, and the first after a pause does not wait', async () => {
    let begun = 0;
    const scene = new Scene({ pauseMs: 50, onBegin: () => (begun += 1) });
    scene.add(1);
    await twoTurns();
    expect(scene.written).toEqual([[1]]);
    scene.add(2);
    await twoTurns();
    scene.add(3);
    scene.clock.advance(49);
    await twoTurns();
    expect(scene.written).toEqual([[1]]);
    scene.clock.advance(1);
    await twoTurns();
    expect(scene.written).toEqual([[1], [2, 3]]);
    scene.clock.advance(50);
    expect(scene.clock.pending).toBe(0);
    scene.add(4);
    await twoTurns();
    expect(scene.written).toEqual([[1], [2, 3], [4]]);
    expect(begun).toBe(3);
    await scene.queue.close();
    expect(scene.clock.pending).toBe(0);
  });

  it('do not pause where somebody waits for them, nor at the close', async () => {
    const scene = new Scene({ pauseMs: 50 });
    scene.add(1);
    await scene.queue.settled();
    scene.add(2);
    await scene.queue.settled();
    scene.add(3);
    const settled = scene.queue.settled();
    scene.add(4);
    await settled;
    expect(scene.written).toEqual([[1], [2], [3, 4]]);
    scene.add(5);
    await scene.queue.close();
    expect(scene.written.flat()).toEqual([1, 2, 3, 4, 5]);
    expect(scene.clock.pending).toBe(0);
  });

  it('that fail are not tried more often for somebody who waits', async () => {
    const scene = new Scene({ pauseMs: 50 });
    scene.isAway = true;
    scene.add(1);
    await expect(scene.queue.settled()).rejects.toThrow('away');
    scene.isAway = false;
    await expect(scene.queue.settled()).rejects.toThrow('away');
    scene.clock.advance(1000);
    await scene.queue.settled();
    expect(scene.written).toEqual([[1]]);
  });
});
