import { describe, expect, it } from 'vitest';
import { orderServers } from './srv-order.js';

const record = (name: string, priority: number, weight: number) => ({ name, priority, weight, port: 5060 });

/** 0, 1/n, 2/n, … again and again. */
function sweep(steps: number): () => number {
  let step = -1;
  return () => (step = (step + 1) % steps) / steps;
}

describe('servers', () => {
  it('go by priority, whatever their weights', () => {
    const order = orderServers([record('b', 20, 60_000), record('a', 10, 0), record('c', 30, 1)], () => 0.99);
    expect(order.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('of one priority come first in proportion to their weights, and one of weight 0 is rarely, not never first', () => {
    const first = new Map<string, number>();
    const random = sweep(101);
    for (let draw = 0; draw < 101; draw += 1) {
      const [winner] = orderServers(
        [record('half', 1, 50), record('zero', 1, 0), record('rest', 1, 50)],
        () => (draw === 0 ? 0 : random()),
      );
      first.set(winner?.name ?? '', (first.get(winner?.name ?? '') ?? 0) + 1);
    }
    expect(first.get('zero')).toBeGreaterThan(0);
    expect(first.get('zero')).toBeLessThan(10);
    expect(first.get('half')).toBeGreaterThan(20);
    expect(first.get('rest')).toBeGreaterThan(20);
  });

  it('are each there once', () => {
    for (const number of [0, 0.3, 0.7, 0.999]) {
      const order = orderServers([record('a', 1, 0), record('b', 1, 0), record('c', 1, 7)], () => number);
      expect(order.map(({ name }) => name).sort()).toEqual(['a', 'b', 'c']);
    }
  });
});
