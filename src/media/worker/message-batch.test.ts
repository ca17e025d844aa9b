import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MessageBatch } from './message-batch.js';

describe('MessageBatch', () => {
  it('sends what one turn says together and in order, and each turn apart', async () => {
    const sent: (readonly number[])[] = [];
    const batch = new MessageBatch<number>((messages) => sent.push(messages));
    batch.add(1);
    await Promise.resolve();
    batch.add(2);
    expect(sent).toEqual([]);
    await turn();
    batch.add(3);
    await turn();
    expect(sent).toEqual([[1, 2], [3]]);
  });

  it('sends at once where it is told to, and nothing twice', async () => {
    const sent: (readonly number[])[] = [];
    const batch = new MessageBatch<number>((messages) => sent.push(messages));
    batch.flush();
    batch.add(1);
    batch.flush();
    expect(sent).toEqual([[1]]);
    await turn();
    expect(sent).toEqual([[1]]);
  });

  it('takes what is said while it sends', async () => {
    const sent: (readonly number[])[] = [];
    const batch = new MessageBatch<number>((messages) => {
      sent.push(messages);
      if (messages[0] === 1) batch.add(2);
    });
    batch.add(1);
    await turn();
    await turn();
    expect(sent).toEqual([[1], [2]]);
  });
});
