import { expect, it } from 'vitest';
import { FairQueue, type FairQueueOptions } from './fair-queue.js';

interface Item {
  readonly name: string;
  readonly bytes: { readonly length: number };
}

/** Names begin with their source. */
function queueOf(limits: Partial<FairQueueOptions>) {
  const queue = new FairQueue<Item>({ maxItems: 10, maxItemsPerSource: 10, maxBytes: 1000, ...limits });
  const add = (name: string, length = 1): number => queue.add(name.slice(0, 1), { name, bytes: { length } });
  const all = (): string[] => {
    const taken: string[] = [];
    for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item.name);
    return taken;
  };
  return { queue, add, all };
}

it('sources take turns, each with its oldest first', () => {
  const { queue, add, all } = queueOf({});
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) add(name);
  expect(queue.size).toBe(6);
  expect(all()).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  expect(queue.size).toBe(0);
});

it('who has its share loses its own oldest, and nobody else loses any', () => {
  const { add, all } = queueOf({ maxItemsPerSource: 2 });
  expect(['b1', 'a1', 'a2', 'a3', 'a4'].map((name) => add(name))).toEqual([0, 0, 0, 1, 1]);
  expect(all()).toEqual(['b1', 'a3', 'a4']);
});

it('a share of one is one', () => {
  const { add, all } = queueOf({ maxItemsPerSource: 1 });
  expect(['a1', 'a2', 'b1', 'a3'].map((name) => add(name))).toEqual([0, 1, 0, 1]);
  expect(all().sort()).toEqual(['a3', 'b1']);
});

it('where it is full, the one goes whose turn it was', () => {
  const { queue, add, all } = queueOf({ maxItems: 3 });
  expect(['a1', 'b1', 'c1', 'd1', 'a2'].map((name) => add(name))).toEqual([0, 0, 0, 1, 1]);
  expect(queue.size).toBe(3);
  expect(all()).toEqual(['c1', 'd1', 'a2']);
});

it('what is long makes as much room as it needs, and is taken even where it is too long for all of it', () => {
  const { add, all } = queueOf({ maxBytes: 100 });
  expect([add('a1', 40), add('b1', 40), add('c1', 20), add('d1', 50)]).toEqual([0, 0, 0, 2]);
  expect(add('e1', 500)).toBe(2);
  expect(all()).toEqual(['e1']);
});

it('nothing is left once it is cleared', () => {
  const { queue, add } = queueOf({});
  add('a1');
  queue.clear();
  expect([queue.size, queue.take()]).toEqual([0, undefined]);
});
