import { describe, expect, it } from 'vitest';
import { formatFrame, FrameReader, maxFrameLength } from './frame-reader.js';

const packets = [Buffer.from('a'), Buffer.alloc(maxFrameLength, 7), Buffer.from('the last')];
const stream = Buffer.concat(packets.map(formatFrame));

function readIn(chunkLength: number): Buffer[] {
  const read: Buffer[] = [];
  const reader = new FrameReader();
  for (let at = 0; at < stream.length; at += chunkLength)
    expect(
      reader.read(stream.subarray(at, at + chunkLength), (packet) => read.push(Buffer.from(packet))),
    ).toBe(true);
  return read;
}

describe('packets behind their length in a stream', () => {
  it.each([1, 2, 3, 1000, 1502, 5000])('come whole, however the stream is cut: by %d octets', (length) => {
    expect(readIn(length)).toEqual(packets);
  });

  it('are none where the length is 0 (RFC 4571 §2)', () => {
    const read: Buffer[] = [];
    expect(new FrameReader().read(Buffer.alloc(9), (packet) => read.push(packet))).toBe(true);
    expect(read).toEqual([]);
  });

  it('end where one is longer than any that UDP would carry', () => {
    const read: Buffer[] = [];
    const tooLong = Buffer.concat([formatFrame(Buffer.from('a')), Buffer.from([5, 0xdd])]);
    expect(new FrameReader().read(tooLong, (packet) => read.push(packet))).toBe(false);
    expect(read).toEqual([Buffer.from('a')]);
    // As the beginning of HTTP or TLS is.
    expect(new FrameReader().read(Buffer.from('GET / HTTP/1.1\r\n'), () => undefined)).toBe(false);
    expect(new FrameReader().read(Buffer.from([22, 3, 1, 0, 200]), () => undefined)).toBe(false);
  });
});
