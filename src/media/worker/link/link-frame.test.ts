import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LinkFrame, linkFrameOverhead, LinkFrameReader, writeLinkFrame } from './link-frame.js';

const frame = fc.record({
  type: fc.constantFrom<LinkFrame['type'][]>('hello', 'subscribe', 'attach', 'description', 'packet'),
  channel: fc.nat(0xffff_ffff),
  kind: fc.constantFrom('audio' as const, 'video' as const),
  generation: fc.nat(0xffff),
  body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

describe('link frames', () => {
  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 10 }),
        fc.integer({ min: 1, max: 97 }),
        (frames, pieceLength) => {
          const bytes = Buffer.concat(
            frames.map((f) => {
              const target = Buffer.alloc(linkFrameOverhead + f.body.length);
              writeLinkFrame(target, 0, f);
              return target;
            }),
          );
          const reader = new LinkFrameReader();
          const read: LinkFrame[] = [];
          for (let at = 0; at < bytes.length; at += pieceLength) {
            const piece = bytes.subarray(at, at + pieceLength);
            expect(reader.push(piece, (f) => read.push({ ...f, body: Buffer.from(f.body) }))).toBe(true);
          }
          expect(read).toEqual(frames);
        },
      ),
    );
  });

  it('refuse lengths and types that are not ours', () => {
    const reader = (): LinkFrameReader => new LinkFrameReader();
    expect(reader().push(Buffer.from([0xff, 0xff, 0xff, 0xff]), () => undefined)).toBe(false);
    expect(reader().push(Buffer.from([0, 0, 0, 1]), () => undefined)).toBe(false);
    expect(reader().push(Buffer.from([0, 0, 0, 8, 99, 0, 0, 0, 0, 0, 0, 0]), () => undefined)).toBe(false);
  });
});
