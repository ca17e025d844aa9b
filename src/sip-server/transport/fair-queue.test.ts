import { expect, it } from 'vitest';
import { FairQueue, type FairQueueOptions } from './fair-queue.js';

interface Item {
  readonly name: string;
  readonly bytes: { readonly length: number };
}

/** Names begin with their source. */
function queueOf(limits: Partial<FairQueueOptions>) {
  const queue = new FairQueue<Item>({ maxItems: 10, maxBytes: 1000, minSources: 1, ...limits });
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
  const { add, all } = queueOf({ minSources: 5 });
  expect(['b1', 'a1', 'a2', 'a3', 'a4'].map((name) => add(name))).toEqual([0, 0, 0, 1, 1]);
  expect(all()).toEqual(['b1', 'a3', 'a4']);
  const { add: addOne, all: allOfOne } = queueOf({ minSources: 10 });
  expect(['a1', 'a2', 'b1', 'a3'].map((name) => addOne(name))).toEqual([0, 1, 0, 1]);
  expect(allOfOne().sort()).toEqual(['a3', 'b1']);
});

it('a share is of bytes, too', () => {
  const { add, all } = queueOf({ minSources: 4, maxBytes: 400 });
  expect([add('b1', 10), add('a1', 60), add('a2', 60), add('a3', 30)]).toEqual([0, 0, 1, 0]);
  expect(all()).toEqual(['b1', 'a2', 'a3']);
});

it('where it is full, who has most loses its oldest: one who waits with little stays', () => {
  const { queue, add, all } = queueOf({ maxItems: 5 });
  for (const name of ['x1', 'a1', 'a2', 'a3', 'a4']) add(name);
  expect(['b1', 'c1', 'c2'].map((name) => add(name))).toEqual([1, 1, 1]);
  expect(queue.size).toBe(5);
  expect(all().sort()).toEqual(['a4', 'b1', 'c1', 'c2', 'x1']);
});

it('many sources with much each push none out that has little', () => {
  const { add, all } = queueOf({ maxItems: 100, minSources: 4 });
  add('!');
  for (let at = 0; at < 3000; at += 1) add(`${'abcdef'.charAt(at % 6)}${at}`);
  expect(all()[0]).toBe('!');
});

it('what is long has no room where there is none, and pushes nobody out', () => {
  const { add, all } = queueOf({ maxItems: 10, maxBytes: 100 });
  expect([add('a1', 10), add('b1', 50), add('c1', 30)]).toEqual([0, 0, 0]);
  expect([add('d1', 50), add('e1', 10), add('f1', 10)]).toEqual([1, 0, 1]);
  expect(all().sort()).toEqual(['b1', 'c1', 'e1', 'f1']);
});

it('what is longer than all the room is taken where nothing else waits', () => {
  const { add, all } = queueOf({ maxBytes: 100 });
  expect(add('a1', 500)).toBe(0);
  expect(all()).toEqual(['a1']);
});

it('nothing is left once it is cleared', () => {
  const { queue, add } = queueOf({});
  add('a1');
  queue.clear();
  expect([queue.size, queue.take()]).toEqual([0, undefined]);
});
