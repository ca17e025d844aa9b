import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketCache } from './packet-cache.js';

const octets = (n: number, fill: number): Buffer => Buffer.alloc(n, fill);

describe('PacketCache', () => {
  it('gives back what was stored, until it is overwritten', () => {
    const cache = new PacketCache(100, 8);
    cache.store(1, octets(40, 1), 0);
    cache.store(2, octets(40, 2), 0);
    expect(cache.take(1, 100, 20)).toEqual(octets(40, 1));
    cache.store(3, octets(40, 3), 0);
    expect(cache.take(1, 200, 20)).toBeNull();
    expect(cache.take(2, 200, 20)).toEqual(octets(40, 2));
    expect(cache.take(3, 200, 20)).toEqual(octets(40, 3));
    expect(cache.take(4, 200, 20)).toBeNull();
  });

  it('does not give a packet again within the interval, counted from its sending too', () => {
    const cache = new PacketCache(1000, 8);
    cache.store(7, octets(10, 7), 100);
    expect(cache.take(7, 110, 20)).toBeNull();
    expect(cache.take(7, 120, 20)).not.toBeNull();
    expect(cache.take(7, 139, 20)).toBeNull();
    expect(cache.take(7, 140, 20)).not.toBeNull();
  });

  it('leaves out what is larger than itself', () => {
    const cache = new PacketCache(100, 8);
    cache.store(1, octets(101, 1), 0);
    expect(cache.take(1, 100, 0)).toBeNull();
  });

  it('never gives back anything but the packet of that number, whatever was stored', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 }), (lengths) => {
        const cache = new PacketCache(200, 16);
        lengths.forEach((length, n) => cache.store(n & 0xffff, octets(length, n & 0xff), 0));
        lengths.forEach((length, n) => {
          const packet = cache.take(n, 1, 0);
          if (packet !== null) expect(packet).toEqual(octets(length, n & 0xff));
        });
        const last = lengths.length - 1;
        if (last >= 0) expect(cache.take(last, 2, 0)).not.toBeNull();
      }),
    );
  });
});
