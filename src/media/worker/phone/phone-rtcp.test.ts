import { beforeEach, describe, expect, it } from 'vitest';
import type { MediaAddress } from '../../../sdp/media-address.js';
import { ReceptionStatistics } from '../rtp/reception-statistics.js';
import { formatRtcp, parseRtcp } from '../rtp/rtcp.js';
import { AddressLatch } from './address-latch.js';
import { PhoneRtcp } from './phone-rtcp.js';

const rtp: MediaAddress = { address: '192.0.2.1', port: 4000 };
const signalledRtcp: MediaAddress = { address: '192.0.2.1', port: 4001 };
const elsewhere: MediaAddress = { address: '192.0.2.9', port: 4001 };
const apart = { rtcpMux: false, remoteRtcp: signalledRtcp };
const muxed = { rtcpMux: true, remoteRtcp: null };

const theirReport = formatRtcp([{ type: 'receiver-report', ssrc: 7, reports: [] }]);
const theirGoodbye = formatRtcp([
  { type: 'receiver-report', ssrc: 7, reports: [] },
  { type: 'bye', ssrcs: [7] },
]);

describe('the RTCP of a phone', () => {
  const output = { ssrc: 99, packets: 0, octets: 0, timestampAt: () => 1234 };
  let latch: AddressLatch;
  let reception: ReceptionStatistics;
  let sent: { readonly types: string[]; readonly to: MediaAddress; readonly isMuxed: boolean }[];
  let rtcp: PhoneRtcp;

  beforeEach(() => {
    Object.assign(output, { packets: 0, octets: 0 });
    latch = new AddressLatch();
    latch.signal(rtp, 0);
    reception = new ReceptionStatistics(8000);
    sent = [];
    rtcp = new PhoneRtcp({
      intervalMs: 5000,
      latch,
      output,
      reception,
      send: (datagram, to, isMuxed) =>
        sent.push({ types: (parseRtcp(datagram) ?? []).map(({ type }) => type), to, isMuxed }),
    });
  });

  const reportsUntil = (fromMs: number, untilMs: number): number => {
    const before = sent.length;
    for (let nowMs = fromMs; nowMs < untilMs; nowMs += 1000) rtcp.onTick(nowMs);
    return sent.length - before;
  };

  it('reports first after half the interval, then after half an interval to one and a half (RFC 3550 §6.2)', () => {
    rtcp.onAgreement(apart, 1000);
    rtcp.onTick(3499);
    expect(sent).toEqual([]);
    rtcp.onTick(3500);
    expect(sent).toHaveLength(1);
    rtcp.onTick(5999);
    expect(sent).toHaveLength(1);
    rtcp.onTick(11_000);
    expect(sent).toHaveLength(2);
    const reports = reportsUntil(12_000, 112_000);
    expect(reports).toBeGreaterThanOrEqual(12);
    expect(reports).toBeLessThanOrEqual(34);
  });

  it('does not begin to report anew with a later description', () => {
    rtcp.onAgreement(apart, 0);
    rtcp.onTick(2500);
    rtcp.onAgreement(apart, 2500);
    rtcp.onTick(10_000);
    expect(sent).toHaveLength(2);
  });

  it('sends a sender report only where something was sent since the last (RFC 3550 §6.4)', () => {
    rtcp.onAgreement(apart, 0);
    rtcp.onTick(10_000);
    output.packets = 3;
    rtcp.onTick(20_000);
    rtcp.onTick(30_000);
    expect(sent.map(({ types }) => types)).toEqual([
      ['receiver-report', 'source-description'],
      ['sender-report', 'source-description'],
      ['receiver-report', 'source-description'],
    ]);
  });

  it('reports to the port that the SDP names, and to that which reports came from', () => {
    rtcp.onAgreement(apart, 0);
    rtcp.onTick(10_000);
    expect(rtcp.onPacket(theirReport, { address: rtp.address, port: 61_000 }, 11_000, false)).toBe('report');
    rtcp.onTick(20_000);
    rtcp.forgetDestination();
    rtcp.onTick(30_000);
    expect(sent.map(({ to, isMuxed }) => [to.port, isMuxed])).toEqual([
      [4001, false],
      [61_000, false],
      [4001, false],
    ]);
  });

  it('reports to where RTP goes, from its port, where both share it', () => {
    rtcp.onAgreement(muxed, 0);
    rtcp.onPacket(theirReport, { address: rtp.address, port: 61_000 }, 1000, false);
    rtcp.onTick(10_000);
    expect(sent.map(({ to, isMuxed }) => [to.port, isMuxed])).toEqual([[4000, true]]);
  });

  it('takes a report that came where audio comes for a sign of life, not for where ours should go', () => {
    rtcp.onAgreement(apart, 0);
    expect(rtcp.onPacket(theirReport, { address: rtp.address, port: 4000 }, 1000, true)).toBe('report');
    rtcp.onTick(10_000);
    expect(sent.map(({ to }) => to.port)).toEqual([4001]);
  });

  it('sends nothing where it knows no destination', () => {
    rtcp.onAgreement({ rtcpMux: false, remoteRtcp: null }, 0);
    output.packets = 3;
    rtcp.onTick(10_000);
    rtcp.leave(11_000);
    expect(sent).toEqual([]);
  });

  it('tells reports, goodbyes, and what is neither or comes from another host apart', () => {
    rtcp.onAgreement(apart, 0);
    expect(rtcp.onPacket(theirReport, signalledRtcp, 1000, false)).toBe('report');
    expect(rtcp.onPacket(theirGoodbye, signalledRtcp, 1000, false)).toBe('goodbye');
    expect(rtcp.onPacket(theirReport, elsewhere, 1000, false)).toBe('stranger');
    expect(rtcp.onPacket(Buffer.from('no RTCP'), signalledRtcp, 1000, false)).toBe('stranger');
  });

  describe('once it is known where RTP comes from', () => {
    const otherPort: MediaAddress = { address: rtp.address, port: 61_000 };
    const anotherPort: MediaAddress = { address: rtp.address, port: 61_001 };
    const forged = formatRtcp([{ type: 'receiver-report', ssrc: 1234, reports: [] }]);
    const ofOurs = formatRtcp([
      {
        type: 'receiver-report',
        ssrc: 1234,
        reports: [
          {
            ...{ ssrc: output.ssrc, fractionLost: 0, packetsLost: 0, highestSequence: 1 },
            ...{ jitter: 0, lastSenderReport: 0, delaySinceLastSenderReport: 0 },
          },
        ],
      },
    ]);

    beforeEach(() => {
      rtcp.onAgreement(apart, 0);
      const first = { ssrc: 7, sequenceNumber: 1, timestamp: 160 };
      latch.onPacket(first, rtp, 0);
      reception.onPacket(first, 0);
    });

    it('comes from the port that it came from first, that of RTP, or that of the SDP', () => {
      expect(rtcp.onPacket(forged, otherPort, 1000, false)).toBe('report');
      for (const from of [otherPort, rtp]) expect(rtcp.onPacket(forged, from, 2000, false)).toBe('report');
      expect(rtcp.onPacket(forged, rtp, 2000, true)).toBe('report');
      rtcp.forgetDestination();
      expect(rtcp.onPacket(forged, signalledRtcp, 2000, false)).toBe('report');
    });

    it('comes from another port where it names a source of the call alone: the address may be forged', () => {
      rtcp.onPacket(theirReport, otherPort, 1000, false);
      expect(rtcp.onPacket(forged, anotherPort, 2000, false)).toBe('stranger');
      expect(rtcp.onPacket(forged, anotherPort, 2000, true)).toBe('stranger');
      rtcp.onTick(10_000);
      expect(rtcp.onPacket(theirReport, anotherPort, 11_000, false)).toBe('report');
      rtcp.onTick(20_000);
      expect(rtcp.onPacket(ofOurs, otherPort, 21_000, false)).toBe('report');
      rtcp.onTick(30_000);
      expect(sent.map(({ to }) => to.port)).toEqual([61_000, 61_001, 61_000]);
      expect(rtcp.onPacket(theirReport, elsewhere, 31_000, false)).toBe('stranger');
    });

    it('tells the ports that anything else keeps the call alive from', () => {
      rtcp.onPacket(theirReport, otherPort, 1000, false);
      expect([rtp, otherPort, anotherPort, elsewhere].map((from) => rtcp.isOfPeer(from))).toEqual([
        true,
        true,
        false,
        false,
      ]);
    });
  });

  it('says goodbye with its last report, unless it was never heard (RFC 3550 §6.3.7)', () => {
    rtcp.onAgreement(apart, 0);
    rtcp.leave(1000);
    expect(sent).toEqual([]);
    output.packets = 1;
    rtcp.leave(2000);
    expect(sent.map(({ types }) => types)).toEqual([['sender-report', 'source-description', 'bye']]);
  });

  it('says in its reports how long ago the peer’s last one came, in 1/65536 s', () => {
    rtcp.onAgreement(apart, 0);
    const raw: Buffer[] = [];
    const other = new PhoneRtcp({
      intervalMs: 5000,
      latch,
      output,
      reception,
      send: (datagram) => raw.push(datagram),
    });
    other.onAgreement(apart, 0);
    reception.onPacket({ ssrc: 7, sequenceNumber: 1, timestamp: 160 }, 500);
    const senderReport = formatRtcp([
      {
        type: 'sender-report',
        ssrc: 7,
        ntpSeconds: 0x1234_5678,
        ntpFraction: 0x9abc_def0,
        rtpTimestamp: 0,
        packetCount: 1,
        octetCount: 160,
        reports: [],
      },
    ]);
    other.onPacket(senderReport, signalledRtcp, 8000, false);
    other.onTick(10_000);
    const [first] = parseRtcp(raw[0]!)!;
    expect(first).toMatchObject({
      reports: [{ ssrc: 7, lastSenderReport: 0x5678_9abc, delaySinceLastSenderReport: 2 * 65_536 }],
    });
  });
});
