import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectInProcess } from './in-process-socket.js';

/** Everything that comes until its end. */
async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const bytes of socket) text += String(bytes);
  return text;
}

describe('a connection inside the process', () => {
  it('carries what is written, both ways and in order', async () => {
    const [one, other] = connectInProcess();
    for (const word of ['a', 'b', 'c']) one.write(word);
    other.write('x');
    one.end('d');
    expect(await readAll(other)).toBe('abcd');
    other.end();
    expect(await readAll(one)).toBe('x');
  });

  it('is read in a turn of its own, however it is written', async () => {
    const [one, other] = connectInProcess();
    const heard: string[] = [];
    other.on('data', (bytes: Buffer) => heard.push(String(bytes)));
    one.write('now');
    expect(heard).toEqual([]);
    await once(other, 'data');
    expect(heard).toEqual(['now']);
    one.destroy();
  });

  it('joins what is written while it is corked', async () => {
    const [one, other] = connectInProcess();
    one.cork();
    one.write('first,');
    one.write('second');
    one.uncork();
    expect(String((await once(other, 'data'))[0])).toBe('first,second');
    one.destroy();
  });

  it('holds the writer up while nobody reads, and goes on when somebody does', async () => {
    const [one, other] = connectInProcess();
    const block = Buffer.alloc(10_000, 1);
    let isTaken = true;
    for (let at = 0; at < 100 && isTaken; at += 1) isTaken = one.write(block);
    for (let at = 0; at < 20; at += 1) one.write(block);
    await new Promise(setImmediate);
    expect(one.writableLength).toBeGreaterThan(0);
    one.end();
    let total = 0;
    for await (const bytes of other) total += (bytes as Buffer).length;
    expect(total % block.length).toBe(0);
    expect(total).toBeGreaterThanOrEqual(21 * block.length);
    expect(one.writableLength).toBe(0);
  });

  it('tells the far end that it was destroyed, after what was written before', async () => {
    const [one, other] = connectInProcess();
    one.write('last words');
    const closed = once(other, 'close');
    one.destroySoon();
    expect(await readAll(other)).toBe('last words');
    await closed;
    expect(other.destroyed).toBe(true);
  });

  it('has sent what was written right before it was destroyed', async () => {
    const [one, other] = connectInProcess();
    one.write('last words');
    one.destroy();
    expect(await readAll(other)).toBe('last words');
  });

  it('is over for both when one is destroyed with an error, which only that one is told', async () => {
    const [one, other] = connectInProcess();
    const errors: string[] = [];
    one.on('error', (error) => errors.push(`one: ${error.message}`));
    other.on('error', (error) => errors.push(`other: ${error.message}`));
    other.resume();
    const closed = Promise.all([one, other].map((socket) => new Promise((done) => socket.on('close', done))));
    one.destroy(new Error('broken'));
    await closed;
    expect(errors).toEqual(['one: broken']);
  });

  it('fails who writes to a far end that is gone', async () => {
    const [one, other] = connectInProcess();
    other.destroy();
    const failed = once(one, 'error');
    one.write('anybody?');
    expect(String((await failed)[0])).toContain('the far end is gone');
  });
});
