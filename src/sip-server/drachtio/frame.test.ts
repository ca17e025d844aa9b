import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanToken, formatFrame, FrameError, FrameReader } from './frame.js';

describe('drachtio frames', () => {
  it('count bytes, keep empty tokens and give the message verbatim', () => {
    const raw = Buffer.from('INVITE sip:ü SIP/2.0\r\n\r\n|#|\r\n');
    const bytes = formatFrame('id', ['sip', '', 'ü', ''], raw);
    expect(bytes.toString()).toBe(`${bytes.length - 3}#id|sip||ü|\r\n${raw.toString()}`);
    expect(new FrameReader().push(bytes)).toEqual([{ id: 'id', tokens: ['sip', '', 'ü', ''], raw }]);
  });

  it('without a message have none', () => {
    expect(new FrameReader().push(Buffer.from('7#id|ping'))).toEqual([{ id: 'id', tokens: ['ping'] }]);
  });

  it('come out the same however the stream is cut', () => {
    const token = fc.string({ maxLength: 20 }).map(cleanToken);
    const frame = fc.record({
      id: fc.uuid(),
      tokens: fc.array(token, { minLength: 1, maxLength: 6 }),
      raw: fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 5 }),
        fc.array(fc.nat(40), { minLength: 1 }),
        (frames, cuts) => {
          const raws = frames.map(({ raw }) => (raw ? Buffer.from(raw) : undefined));
          const stream = Buffer.concat(frames.map(({ id, tokens }, at) => formatFrame(id, tokens, raws[at])));
          const reader = new FrameReader();
          const read = [];
          for (let at = 0, cut = 0; at < stream.length; cut += 1) {
            const size = 1 + (cuts[cut % cuts.length] ?? 0);
            read.push(...reader.push(Buffer.from(stream.subarray(at, at + size))));
            at += size;
          }
          const plain = read.map(({ id, tokens, raw }) => [id, [...tokens], raw?.toString('hex')]);
          expect(plain).toEqual(frames.map(({ id, tokens }, at) => [id, tokens, raws[at]?.toString('hex')]));
        },
      ),
    );
  });

  it.each([['hello'], ['-1#x'], ['0#'], ['1100000#x'], ['999999999999'], ['1 #x'], ['#x']])(
    'are no frames: %s',
    (text) => {
      expect(() => new FrameReader().push(Buffer.from(text))).toThrow(FrameError);
    },
  );

  it('of random bytes never do worse than that', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          new FrameReader().push(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
  });
});
