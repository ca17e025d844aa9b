import { beforeEach, describe, expect, it } from 'vitest';
import { NameLookUps, type ResolvedAddress } from './name-look-ups.js';

const address = { address: '192.0.2.1', family: 4 };
const never = new AbortController().signal;

let asked: string[];
let answers: Map<string, (found: readonly ResolvedAddress[] | Error) => void>;
let lookUps: NameLookUps;

beforeEach(() => {
  asked = [];
  answers = new Map();
  lookUps = new NameLookUps(2, (hostname) => {
    asked.push(hostname);
    return new Promise((resolve, reject) =>
      answers.set(hostname, (found) => (found instanceof Error ? reject(found) : resolve(found))),
    );
  });
});

const turn = (): Promise<void> => new Promise(setImmediate);

describe('names that are looked up', () => {
  it('are few at once; the others follow in their order', async () => {
    const found = ['a', 'b', 'c', 'd'].map((name) => lookUps.find(name, never));
    expect(asked).toEqual(['a', 'b']);
    answers.get('b')?.([address]);
    expect(await found[1]).toEqual([address]);
    await turn();
    expect(asked).toEqual(['a', 'b', 'c']);
    answers.get('a')?.(new Error('ENOTFOUND'));
    await expect(found[0]).rejects.toThrow('ENOTFOUND');
    await turn();
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are asked for once, however many want to know, and hold nobody up meanwhile', async () => {
    const all = ['a', 'b', 'a', 'c', 'c', 'd'].map((name) => lookUps.find(name, never));
    answers.get('a')?.([address]);
    answers.get('b')?.([address]);
    await turn();
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
    for (const name of ['c', 'd']) answers.get(name)?.([address]);
    expect(await Promise.all(all)).toHaveLength(6);
    expect(lookUps.waitingCount).toBe(0);
  });

  it('are asked for no more once nobody waits for them', async () => {
    const stop = new AbortController();
    const waiting = [
      lookUps.find('a', never),
      lookUps.find('b', never),
      lookUps.find('c', stop.signal),
      lookUps.find('d', never),
    ];
    stop.abort(new Error('too late'));
    await expect(waiting[2]).rejects.toThrow('too late');
    expect(lookUps.waitingCount).toBe(1);
    answers.get('a')?.([address]);
    await turn();
    expect(asked).toEqual(['a', 'b', 'd']);
    await expect(lookUps.find('e', AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
  });
});
