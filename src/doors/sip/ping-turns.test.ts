import { describe, expect, it } from 'vitest';
import { PingTurns } from './ping-turns.js';

describe('Turns of pings', () => {
  it('begin at once while there is room, and then as others end, in their order', async () => {
    const turns = new PingTurns(2);
    const begun: number[] = [];
    const [first, second, third, fourth] = [1, 2, 3, 4].map((each) => turns.take(() => begun.push(each)));
    expect(begun).toEqual([1, 2]);
    // It ends before its turn has come.
    third?.end();
    first?.end();
    first?.end();
    await Promise.resolve();
    expect(begun).toEqual([1, 2, 4]);
    turns.take(() => begun.push(5));
    expect(begun).toEqual([1, 2, 4]);
    second?.end();
    fourth?.end();
    await Promise.resolve();
    expect(begun).toEqual([1, 2, 4, 5]);
  });

  it('do not begin as those before them end, where they end in the same moment', async () => {
    const turns = new PingTurns(1);
    const begun: number[] = [];
    const all = [1, 2, 3].map((each) => turns.take(() => begun.push(each)));
    for (const turn of all) turn.end();
    await Promise.resolve();
    expect(begun).toEqual([1]);
  });
});
