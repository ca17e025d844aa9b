import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceptionStatistics } from './reception-statistics.js';
import { compactNtp, formatRtcp, ntpTime, parseRtcp, type ReportBlock, type RtcpPacket } from './rtcp.js';

const block: ReportBlock = {
  ssrc: 0xfedcba98,
  fractionLost: 12,
  packetsLost: -3,
  highestSequence: 0x1ffff,
  jitter: 77,
  lastSenderReport: 0xaabbccdd,
  delaySinceLastSenderReport: 65536,
};

describe('RTCP', () => {
  it.each<RtcpPacket>([
    {
      type: 'sender-report',
      ssrc: 0xffffffff,
      ntpSeconds: 0xe0000000,
      ntpFraction: 0x80000000,
      rtpTimestamp: 160,
      packetCount: 5,
      octetCount: 800,
      reports: [block, block],
    },
    { type: 'receiver-report', ssrc: 1, reports: [] },
    {
      type: 'source-description',
      chunks: [
        { ssrc: 7, cname: 'abc' },
        { ssrc: 8, cname: 'ab' },
      ],
    },
    { type: 'source-description', chunks: [{ ssrc: 7, cname: 'x'.repeat(100) }] },
    { type: 'bye', ssrcs: [1, 2] },
    { type: 'nack', senderSsrc: 1, mediaSsrc: 2, sequenceNumbers: [65534, 65535, 3, 14, 100] },
    { type: 'resynchronisation-request', senderSsrc: 1, mediaSsrc: 0xfedcba98 },
    { type: 'pli', senderSsrc: 1, mediaSsrc: 2 },
    { type: 'fir', senderSsrc: 1, entries: [{ ssrc: 2, commandSequence: 255 }] },
    { type: 'remb', senderSsrc: 1, bitrateBps: 2_500_000 - (2_500_000 % 16), ssrcs: [3, 4] },
  ])('reads back the $type that it writes', (packet) => {
    expect(parseRtcp(formatRtcp([packet]))).toEqual([packet]);
  });

  it('reads compound packets and skips kinds it does not know', () => {
    const pli: RtcpPacket = { type: 'pli', senderSsrc: 1, mediaSsrc: 2 };
    const application = Buffer.from([0x80, 204, 0, 1, 1, 2, 3, 4]);
    expect(parseRtcp(Buffer.concat([formatRtcp([pli]), application, formatRtcp([pli])]))).toEqual([pli, pli]);
  });

  it('refuses broken framing and never throws', () => {
    expect(parseRtcp(Buffer.from([0x80, 200, 0, 9, 0]))).toBeNull();
    expect(parseRtcp(Buffer.from([0x40, 200, 0, 0]))).toBeNull();
    expect(parseRtcp(Buffer.alloc(0))).toBeNull();
    fc.assert(
      fc.property(
        fc.constantFrom(200, 201, 202, 203, 205, 206),
        fc.integer({ min: 0, max: 63 }),
        fc.uint8Array({ maxLength: 60 }),
        (type, first, body) => {
          const packet = Buffer.concat([
            Buffer.from([0x80 | first, type, 0, body.length >> 2]),
            body.subarray(0, body.length & ~3),
          ]);
          parseRtcp(packet);
        },
      ),
    );
  });

  it('knows the time of NTP', () => {
    expect(ntpTime(500)).toEqual({ seconds: 2_208_988_800, fraction: 0x80000000 });
    expect(compactNtp(0x12345678, 0x9abcdef0)).toBe(0x56789abc);
  });
});

describe('reception statistics', () => {
  const header = (ssrc: number, sequenceNumber: number, timestamp = sequenceNumber * 160) => ({
    ssrc,
    sequenceNumber,
    timestamp,
  });

  it('counts what is lost and reports the fraction since the report before', () => {
    const statistics = new ReceptionStatistics(8000);
    expect(statistics.report()).toBeNull();
    for (const n of [65533, 65534, 0, 1]) statistics.onPacket(header(9, n), n * 20);
    expect(statistics.report()).toMatchObject({
      ssrc: 9,
      packetsLost: 1,
      fractionLost: 51,
      highestSequence: 0x10001,
    });
    for (const n of [2, 3]) statistics.onPacket(header(9, n), n * 20);
    expect(statistics.report()).toMatchObject({ packetsLost: 1, fractionLost: 0 });
    expect(statistics.packetsLost).toBe(1);
  });

  it('takes a late packet back out of the losses, and a duplicate not below none', () => {
    const statistics = new ReceptionStatistics(8000);
    for (const n of [1, 3, 2, 2]) statistics.onPacket(header(9, n), n * 20);
    expect(statistics.packetsLost).toBe(0);
  });

  it('keeps its totals over a change of SSRC and starts the sequence anew', () => {
    const statistics = new ReceptionStatistics(8000);
    for (const n of [1, 3]) statistics.onPacket(header(9, n), n * 20);
    for (const n of [40_000, 40_001]) statistics.onPacket(header(10, n), n * 20);
    expect(statistics.packetsLost).toBe(1);
    expect(statistics.packetsReceived).toBe(4);
    expect(statistics.report()).toMatchObject({ ssrc: 10, packetsLost: 0 });
  });

  it('measures jitter as RFC 3550 does, leaving out telephone events', () => {
    const statistics = new ReceptionStatistics(8000);
    for (let n = 0; n < 200; n++) statistics.onPacket(header(9, n), n * 20 + (n & 1) * 5);
    expect(statistics.jitterMs).toBeCloseTo(5, 1);
    statistics.onPacket(header(9, 200, 160), 4000, null);
    expect(statistics.jitterMs).toBeCloseTo(5, 1);
  });

  it('measures no jitter on a regular stream whose timestamp wraps', () => {
    const statistics = new ReceptionStatistics(8000);
    for (let n = 0; n < 50; n++) statistics.onPacket(header(9, n, (0xffff_ff00 + n * 160) >>> 0), n * 20);
    expect(statistics.jitterMs).toBe(0);
  });
});
