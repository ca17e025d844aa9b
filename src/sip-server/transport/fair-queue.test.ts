import { expect, it } from 'vitest';
import { FairQueue } from './fair-queue.js';

const all = (queue: FairQueue<string>): string[] => {
  const taken: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
};

it('sources take turns, each with its oldest first', () => {
  const queue = new FairQueue<string>({ maxItems: 10, maxItemsPerSource: 10 });
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) queue.add(item.slice(0, 1), item);
  expect(queue.size).toBe(6);
  expect(all(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  expect(queue.size).toBe(0);
});

it('who has its share loses its own oldest, and nobody else loses any', () => {
  const queue = new FairQueue<string>({ maxItems: 10, maxItemsPerSource: 2 });
  expect(['b1', 'a1', 'a2', 'a3', 'a4'].map((item) => queue.add(item.slice(0, 1), item))).toEqual([
    ...[true, true, true],
    ...[false, false],
  ]);
  expect(all(queue)).toEqual(['b1', 'a3', 'a4']);
});

it('where it is full, the one goes whose turn it was', () => {
  const queue = new FairQueue<string>({ maxItems: 3, maxItemsPerSource: 3 });
  expect(['a1', 'b1', 'c1', 'd1', 'a2'].map((item) => queue.add(item.slice(0, 1), item))).toEqual([
    ...[true, true, true],
    ...[false, false],
  ]);
  expect(queue.size).toBe(3);
  expect(all(queue)).toEqual(['c1', 'd1', 'a2']);
});

it('nothing is left once it is cleared', () => {
  const queue = new FairQueue<string>({ maxItems: 3, maxItemsPerSource: 3 });
  queue.add('a', 'a1');
  queue.clear();
  expect([queue.size, queue.take()]).toEqual([0, undefined]);
});
