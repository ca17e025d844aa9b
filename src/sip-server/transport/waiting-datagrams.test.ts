import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { WaitingDatagrams, type WaitingDatagramsOptions } from './waiting-datagrams.js';

/** Every datagram takes `eachMs` to be read. */
function waiting(options: Partial<WaitingDatagramsOptions> = {}, eachMs = 0) {
  const read: string[] = [];
  let nowMs = 0;
  let dropped = 0;
  const datagrams = new WaitingDatagrams({
    maxWaiting: 8,
    sourceOf: (address) => address,
    read({ bytes }) {
      nowMs += eachMs;
      read.push(bytes.toString());
    },
    onDropped: (count) => (dropped += count),
    nowMs: () => nowMs,
    ...options,
  });
  const add = (text: string, precedence: 'soon' | 'later', address = text.slice(0, 1)) =>
    datagrams.add({ bytes: Buffer.from(text), address, port: 5060 }, precedence);
  return { datagrams, read, add, dropped: () => dropped };
}

it('what shows something is read before what shows nothing, and sources take turns', async () => {
  const { read, add } = waiting();
  add('a1', 'later');
  add('a2', 'later');
  add('b1', 'later');
  add('c1', 'soon');
  expect(read).toEqual([]);
  await nextTurn();
  expect(read).toEqual(['c1', 'a1', 'b1', 'a2']);
});

it('what shows nothing is not kept waiting for ever by what shows something', async () => {
  const { read, add } = waiting({ maxWaiting: 100 });
  add('a1', 'later');
  for (let at = 0; at < 20; at += 1) add(`b${at}`, 'soon');
  await nextTurn();
  expect(read.indexOf('a1')).toBe(7);
});

it('a turn of the event loop reads for a millisecond, and one datagram at least', async () => {
  const { read, add } = waiting({}, 5);
  add('a1', 'later');
  add('b1', 'later');
  await nextTurn();
  expect(read).toEqual(['a1']);
  add('c1', 'soon');
  await nextTurn();
  expect(read).toEqual(['a1', 'c1']);
  await nextTurn();
  expect(read).toEqual(['a1', 'c1', 'b1']);
});

it('one source fills no more than a quarter of the places, and the oldest of what is too much is dropped', async () => {
  const { read, add, dropped } = waiting();
  for (const at of [1, 2, 3, 4, 5]) add(`a${at}`, 'later');
  add('b1', 'later');
  expect(dropped()).toBe(3);
  await nextTurn();
  expect(read).toEqual(['a4', 'b1', 'a5']);
});

it('nothing is read once it is closed', async () => {
  const { datagrams, read, add } = waiting();
  add('a1', 'soon');
  datagrams.close();
  datagrams.close();
  await nextTurn();
  expect(read).toEqual([]);
});
