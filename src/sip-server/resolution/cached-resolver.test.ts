import { beforeEach, describe, expect, it } from 'vitest';
import { CachedResolver, type Lookup, type RecordSource } from './cached-resolver.js';
import { DeadTargets } from './dead-targets.js';

let nowMs = 0;
let asked: string[] = [];
let answer: () => Promise<Lookup<string>>;

const source: RecordSource = {
  naptr: () => Promise.resolve({ records: [], ttlSeconds: null }),
  srv: () => Promise.resolve({ records: [], ttlSeconds: null }),
  address: (name) => {
    asked.push(name);
    return answer();
  },
};

function resolverOf(maxEntries = 10): CachedResolver {
  return new CachedResolver(source, { defaultTtlMs: 30_000, maxEntries, nowMs: () => nowMs });
}

beforeEach(() => {
  nowMs = 1_000_000;
  asked = [];
  answer = () => Promise.resolve({ records: ['192.0.2.1'], ttlSeconds: 60 });
});

describe('an answer', () => {
  it('is kept for its time, whatever the case of the name', async () => {
    const resolver = resolverOf();
    await resolver.lookupAddress('a.example', 4);
    nowMs += 59_999;
    expect(await resolver.lookupAddress('A.Example.', 4)).toEqual(['192.0.2.1']);
    expect(asked).toEqual(['a.example']);
    nowMs += 1;
    await resolver.lookupAddress('a.example', 4);
    expect(asked).toHaveLength(2);
  });

  it('without a time, or with nothing in it, is kept for the usual time', async () => {
    const resolver = resolverOf();
    answer = () => Promise.resolve({ records: [], ttlSeconds: null });
    await resolver.lookupAddress('a.example', 6);
    nowMs += 29_999;
    expect(await resolver.lookupAddress('a.example', 6)).toEqual([]);
    expect(asked).toHaveLength(1);
    nowMs += 1;
    await resolver.lookupAddress('a.example', 6);
    expect(asked).toHaveLength(2);
  });

  it('that is too old is used where there is no new one', async () => {
    const resolver = resolverOf();
    await resolver.lookupAddress('a.example', 4);
    nowMs += 86_400_000;
    answer = () => Promise.reject(new Error('no answer'));
    expect(await resolver.lookupAddress('a.example', 4)).toEqual(['192.0.2.1']);
    answer = () => Promise.resolve({ records: ['192.0.2.2'], ttlSeconds: 60 });
    nowMs += 5_000;
    expect(await resolver.lookupAddress('a.example', 4)).toEqual(['192.0.2.2']);
  });

  it('is asked for once by many at a time', async () => {
    const resolver = resolverOf();
    await Promise.all([1, 2, 3].map(() => resolver.lookupAddress('a.example', 4)));
    expect(asked).toHaveLength(1);
  });

  it('goes where there are too many, the one asked for longest ago first', async () => {
    const resolver = resolverOf(2);
    for (const name of ['a', 'b', 'c', 'b', 'a']) await resolver.lookupAddress(name, 4);
    expect(asked).toEqual(['a', 'b', 'c', 'a']);
  });

  it('that is asked for again and again stays, whatever else is asked, also while there is no new one', async () => {
    const resolver = resolverOf(2);
    for (const name of ['carrier', 'x1', 'carrier', 'x2', 'carrier', 'x3'])
      await resolver.lookupAddress(name, 4);
    expect(asked).toEqual(['carrier', 'x1', 'x2', 'x3']);
    nowMs += 60_000;
    answer = () => Promise.reject(new Error('no answer'));
    expect(await resolver.lookupAddress('carrier', 4)).toEqual(['192.0.2.1']);
    answer = () => Promise.resolve({ records: ['192.0.2.2'], ttlSeconds: 60 });
    await resolver.lookupAddress('x4', 4);
    expect(await resolver.lookupAddress('carrier', 4)).toEqual(['192.0.2.1']);
  });

  it('of more records than anybody has is kept in part', async () => {
    answer = () => Promise.resolve({ records: Array.from({ length: 5_000 }, String), ttlSeconds: 60 });
    expect(await resolverOf().lookupAddress('a.example', 4)).toHaveLength(256);
  });
});

describe('no answer', () => {
  it('is told, and not kept', async () => {
    const resolver = resolverOf();
    answer = () => Promise.reject(new Error('no answer'));
    await expect(resolver.lookupAddress('a.example', 4)).rejects.toThrow('no answer');
    answer = () => Promise.resolve({ records: ['192.0.2.1'], ttlSeconds: null });
    expect(await resolver.lookupAddress('a.example', 4)).toEqual(['192.0.2.1']);
  });
});

describe('a dead server', () => {
  it('is one for a while, or until it answers', () => {
    const dead = new DeadTargets({ deadMs: 60_000, maxEntries: 2, nowMs: () => nowMs });
    dead.add('a');
    dead.add('b', 5_000);
    nowMs += 5_000;
    expect([dead.has('a'), dead.has('b')]).toEqual([true, false]);
    dead.remove('a');
    expect(dead.has('a')).toBe(false);
    for (const key of ['c', 'd', 'e']) dead.add(key);
    expect([dead.has('c'), dead.has('d'), dead.has('e')]).toEqual([false, true, true]);
    nowMs += 60_000;
    expect(dead.has('e')).toBe(false);
  });
});
