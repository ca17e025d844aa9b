import { describe, expect, it } from 'vitest';
import { parseRange } from './file-answer.js';

describe('A range of a file', () => {
  it.each([
    ['bytes=0-99', { start: 0, end: 99 }],
    ['bytes=500-', { start: 500, end: 999 }],
    ['bytes=-100', { start: 900, end: 999 }],
    ['bytes=-5000', { start: 0, end: 999 }],
    ['bytes=900-5000', { start: 900, end: 999 }],
    ['bytes=999-999', { start: 999, end: 999 }],
  ])('%s of 1000 bytes is what was asked for', (header, part) => {
    expect(parseRange(header, 1000)).toEqual(part);
  });

  it.each([undefined, '', 'bytes=', 'bytes=-', 'bytes=5-1', 'items=0-1', 'bytes=0-1,5-6', 'bytes=a-b'])(
    '%s is ignored',
    (header) => {
      expect(parseRange(header, 1000)).toBeNull();
    },
  );

  it.each(['bytes=1000-', 'bytes=1000-2000', 'bytes=-0'])('%s of 1000 bytes is 416', (header) => {
    expect(() => parseRange(header, 1000)).toThrow(
      expect.objectContaining({ status: 416, headers: { 'content-range': 'bytes */1000' } }) as Error,
    );
  });

  it('of an empty file is 416 where one is asked for', () => {
    expect(parseRange(undefined, 0)).toBeNull();
    expect(() => parseRange('bytes=0-', 0)).toThrow();
  });
});
