import { expect, it } from 'vitest';
import { createAudioFeed, type AudioSource } from './audio-source.js';

function blocks(source: AudioSource, count: number, size = 4): number[] {
  const feed = createAudioFeed(source);
  return Array.from({ length: count }, () => {
    const block = new Int16Array(size).fill(99);
    feed.fill(block);
    return [...block];
  }).flat();
}

it('plays a sound once and then silence, or over and over', () => {
  const pcm = Int16Array.from([1, 2, 3, 4, 5]);
  expect(blocks({ kind: 'sound', pcm }, 2)).toEqual([1, 2, 3, 4, 5, 0, 0, 0]);
  expect(blocks({ kind: 'sound', pcm, repeat: true }, 3)).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2]);
  expect(blocks({ kind: 'sound', pcm: new Int16Array(0), repeat: true }, 1)).toEqual([0, 0, 0, 0]);
  expect(blocks({ kind: 'silence' }, 1)).toEqual([0, 0, 0, 0]);
});

it('echoes what it hears, and falls back no more than 200 ms', () => {
  const feed = createAudioFeed({ kind: 'echo' });
  const block = new Int16Array(160);
  feed.hear(Int16Array.from([7, 8]));
  feed.fill(block);
  expect([...block.slice(0, 3)]).toEqual([7, 8, 0]);
  for (let n = 1; n <= 20; n += 1) feed.hear(new Int16Array(160).fill(n));
  feed.fill(block);
  expect(block[0]).toBe(11);
});
