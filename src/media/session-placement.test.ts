import { describe, expect, it } from 'vitest';
import { SessionPlacement } from './session-placement.js';

const workers = (...legs: number[]): Map<number, number> =>
  new Map(legs.map((count, worker) => [worker, count]));

describe('SessionPlacement', () => {
  it('puts a new session on the worker with the fewest legs', () => {
    expect(new SessionPlacement().choose('s', workers(3, 1, 2))).toBe(1);
  });

  it('keeps a session together while it has legs, however full its worker is', () => {
    const placement = new SessionPlacement();
    placement.add('s', 0);
    expect(placement.choose('s', workers(9, 0))).toBe(0);
    placement.remove('s', 0);
    expect(placement.choose('s', workers(9, 0))).toBe(1);
  });

  it('moves on with a session whose worker takes no more legs', () => {
    const placement = new SessionPlacement();
    placement.add('s', 0);
    const others = workers(5, 5, 4);
    others.delete(0);
    expect(placement.choose('s', others)).toBe(2);
    placement.add('s', 2);
    placement.remove('s', 0);
    expect(placement.choose('s', workers(0, 0, 9))).toBe(2);
  });

  it('finds no worker where there is none', () => {
    expect(new SessionPlacement().choose(null, new Map())).toBeNull();
  });

  it('forgets sessions without legs and never keeps legs without a session', () => {
    const placement = new SessionPlacement();
    placement.add(null, 0);
    placement.add('s', 0);
    placement.add('s', 0);
    placement.remove('s', 0);
    expect(placement.size).toBe(1);
    placement.remove('s', 0);
    placement.remove('s', 0);
    expect(placement.size).toBe(0);
  });
});
