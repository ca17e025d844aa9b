import { describe, expect, it } from 'vitest';
import { readOggPages } from '../../../../test/support/ogg-opus.js';
import { formatOggPage, markLastPage, oggCrc, oggOverhead, oggSegments } from './ogg-page.js';

const page = { serial: 0xdead_beef, sequence: 3, granule: 2 ** 40 + 1, isFirst: true, isLast: false };

describe('an Ogg page', () => {
  it('has the checksum of the catalogue: CRC-32/CKSUM of “123456789”, without its final inversion', () => {
    expect(oggCrc(Buffer.from('123456789'))).toBe(~0x765e_7680 >>> 0);
  });

  it('is read back as it was written, packets of every length', () => {
    const packets = [0, 1, 254, 255, 256, 510, 511].map((length) => Buffer.alloc(length, length));
    const bytes = formatOggPage(page, packets);
    const [read, ...others] = readOggPages(bytes);
    expect(others).toEqual([]);
    expect(read).toEqual({
      flags: 2,
      granule: 2 ** 40 + 1,
      serial: 0xdead_beef,
      sequence: 3,
      isIntact: true,
      packets,
    });
    const segments = packets.reduce((sum, { length }) => sum + oggSegments(length), 0);
    const body = packets.reduce((sum, { length }) => sum + length, 0);
    expect(bytes.length).toBe(oggOverhead(segments) + body);
  });

  it('becomes the last, intact', () => {
    const bytes = formatOggPage({ ...page, isFirst: false }, [Buffer.from('x')]);
    markLastPage(bytes);
    expect(readOggPages(bytes)[0]).toMatchObject({ flags: 4, isIntact: true });
  });

  it('takes no more than 255 lacing values', () => {
    const packets = Array.from({ length: 256 }, () => Buffer.alloc(1));
    expect(() => formatOggPage(page, packets)).toThrow(RangeError);
  });
});
