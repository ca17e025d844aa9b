import { describe, expect, it } from 'vitest';
import { SseParser } from './sse-parser.js';

const text =
  ': connected\n\nid: 1\nevent: session.created\ndata: {"a":1}\n\ndata:x\r\ndata: y\r\n\r\n: heartbeat\n\n';
const expected = [
  { id: '1', event: 'session.created', data: '{"a":1}' },
  { id: '1', event: 'message', data: 'x\ny' },
];

describe('SseParser', () => {
  it('reads events, joins data lines and skips comments', () => {
    expect(new SseParser().push(text)).toEqual(expected);
  });

  it('reads the same whatever pieces the text comes in', () => {
    for (let size = 1; size < 9; size += 1) {
      const parser = new SseParser();
      const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      expect(pieces.flatMap((piece) => parser.push(piece))).toEqual(expected);
    }
  });

  it('gives nothing for an event that is not complete', () => {
    expect(new SseParser().push('data: half\n')).toEqual([]);
  });
});
