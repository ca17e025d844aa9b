import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { isRtcp, RtpPacket } from './rtp-packet.js';
import { SequenceExtender, sequenceDistance, timestampDistance } from './sequence.js';

const header = (first = 0x80): Buffer => {
  const buffer = Buffer.alloc(12);
  RtpPacket.writeHeader(buffer, {
    payloadType: 101,
    marker: true,
    sequenceNumber: 65535,
    timestamp: 0xfffffff0,
    ssrc: 0xdeadbeef,
  });
  buffer[0] = first;
  return buffer;
};

describe('RtpPacket', () => {
  it('reads back the header it writes', () => {
    const packet = new RtpPacket();
    expect(RtpPacket.parse(Buffer.concat([header(), Buffer.from('abc')]), packet)).toBe(true);
    expect(packet).toMatchObject({
      payloadType: 101,
      marker: true,
      sequenceNumber: 65535,
      timestamp: 0xfffffff0,
      ssrc: 0xdeadbeef,
      payloadOffset: 12,
      payloadLength: 3,
      extensionProfile: -1,
    });
    expect(packet.payload.toString()).toBe('abc');
  });

  it('skips CSRCs, header extension and padding', () => {
    const buffer = Buffer.concat([
      header(0x80 | 0x20 | 0x10 | 2),
      Buffer.alloc(8, 0x11),
      Buffer.from([0xbe, 0xde, 0, 2, 0x12, 1, 2, 3, 0x00, 0x20, 9, 0]),
      Buffer.from('xyz'),
      Buffer.from([0, 0, 3]),
    ]);
    const packet = new RtpPacket();
    expect(RtpPacket.parse(buffer, packet)).toBe(true);
    expect(packet.payload.toString()).toBe('xyz');
    expect(packet.extensionElement(1)).toEqual(Buffer.from([1, 2, 3]));
    expect(packet.extensionElement(2)).toEqual(Buffer.from([9]));
    expect(packet.extensionElement(3)).toBeNull();
  });

  it.each([
    ['shorter than a header', Buffer.alloc(11, 0x80)],
    ['of another version', header(0x40)],
    ['with more CSRCs than octets', header(0x81)],
    ['whose extension passes its end', Buffer.concat([header(0x90), Buffer.from([0xbe, 0xde, 0, 1])])],
    ['whose extension header is cut', Buffer.concat([header(0x90), Buffer.from([0xbe])])],
    ['whose padding is longer than its payload', Buffer.concat([header(0xa0), Buffer.from([9])])],
    ['whose padding counts zero', Buffer.concat([header(0xa0), Buffer.from([0])])],
  ])('refuses a packet %s', (_why, buffer) => {
    expect(RtpPacket.parse(buffer, new RtpPacket())).toBe(false);
  });

  it('reads any octets without throwing and never past the end', () => {
    const packet = new RtpPacket();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (octets) => {
        const buffer = Buffer.from(octets);
        if (buffer.length > 0) buffer[0] = 0x80 | (buffer[0]! & 0x3f);
        if (!RtpPacket.parse(buffer, packet)) return;
        expect(packet.payloadOffset + packet.payloadLength).toBeLessThanOrEqual(buffer.length);
        for (let id = 1; id < 15; id++) packet.extensionElement(id);
      }),
    );
  });

  it('tells RTCP from RTP on one port', () => {
    expect(isRtcp(Buffer.from([0x80, 200]))).toBe(true);
    expect(isRtcp(header())).toBe(false);
    expect(isRtcp(Buffer.alloc(1))).toBe(false);
  });
});

describe('serial numbers', () => {
  it('compare across the wrap', () => {
    expect(sequenceDistance(2, 65534)).toBe(4);
    expect(sequenceDistance(65534, 2)).toBe(-4);
    expect(timestampDistance(10, 0xfffffff6)).toBe(20);
  });

  it('are extended over wraps, late ones into the cycle they belong to', () => {
    const extender = new SequenceExtender();
    const first = extender.extend(65534);
    expect(extender.extend(1) - first).toBe(3);
    expect(extender.extend(65535) - first).toBe(1);
    expect(extender.newest - first).toBe(3);
  });
});
