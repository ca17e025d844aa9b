import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventSocketFrames, maxFrameBytes } from './event-socket-frames.js';

const text =
  'Content-Type: auth/request\n\n' +
  'Content-Type: command/reply\nReply-Text: +OK accepted: you\n\n' +
  'Content-Type: api/response\nContent-Length: 7\n\nä\n\nb: ' +
  'Content-Type: text/disconnect-notice\nContent-Length: 0\n\n';
const frames = [
  { contentType: 'auth/request', replyText: '', body: '' },
  { contentType: 'command/reply', replyText: '+OK accepted: you', body: '' },
  { contentType: 'api/response', replyText: '', body: 'ä\n\nb: ' },
  { contentType: 'text/disconnect-notice', replyText: '', body: '' },
];

describe('frames of the event socket', () => {
  it('are the same however the bytes are cut', () => {
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const reader = new EventSocketFrames();
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const seen = at.slice(1).flatMap((end, i) => reader.push(bytes.subarray(at[i], end)));
        expect(seen).toEqual(frames);
      }),
    );
  });

  it('are refused where they are longer than any can be', () => {
    const long = `Content-Length: ${maxFrameBytes + 1}\n\n`;
    expect(() => new EventSocketFrames().push(Buffer.from(long))).toThrow('too long');
    expect(() => new EventSocketFrames().push(Buffer.from('Content-Length: -1\n\n'))).toThrow('too long');
    const endless = new EventSocketFrames();
    expect(() => {
      for (let i = 0; i < 20; i += 1) endless.push(Buffer.alloc(maxFrameBytes / 10, 'x'));
    }).toThrow('too long');
  });
});
