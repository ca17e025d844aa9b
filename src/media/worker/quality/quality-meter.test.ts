import { describe, expect, it } from 'vitest';
import type { ReportBlock, RtcpPacket } from '../rtp/rtcp.js';
import type { AudioQuality } from './audio-quality.js';
import { type AudioCounts, QualityMeter } from './quality-meter.js';
import { RemoteReception } from './remote-reception.js';
import { ReportReader } from './report-reader.js';

const ours = 99;
const none: AudioCounts = { packetsReceived: 0, packetsLost: 0, jitterMs: 0, packetsSent: 0 };
const quiet: ReportBlock = {
  ssrc: ours,
  fractionLost: 0,
  packetsLost: 0,
  highestSequence: 1,
  jitter: 0,
  lastSenderReport: 0,
  delaySinceLastSenderReport: 0,
};

/** A leg that sends and is reported on, second by second. */
class Leg {
  readonly meter = new QualityMeter();
  readonly reception = new RemoteReception();
  counts = none;
  nowMs = 0;
  readonly reader = new ReportReader(this.meter, {
    streamOf: (ssrc) => (ssrc === ours ? this.#stream : null),
    only: () => this.#stream,
  });

  get #stream() {
    return { reception: this.reception, packets: this.counts.packetsSent, clockRateHz: 8000 };
  }

  /** One second in which so much is sent and comes, and what the far end reports then. */
  second(more: Partial<AudioCounts>, ...packets: readonly RtcpPacket[]): void {
    const { packetsReceived, packetsLost, packetsSent } = this.counts;
    this.nowMs += 1000;
    this.counts = {
      packetsReceived: packetsReceived + (more.packetsReceived ?? 0),
      packetsLost: packetsLost + (more.packetsLost ?? 0),
      packetsSent: packetsSent + (more.packetsSent ?? 0),
      jitterMs: more.jitterMs ?? 0,
    };
    if (packets.length > 0) this.reader.onPackets(packets, this.nowMs);
    this.meter.onCounts(this.counts, true, this.nowMs);
  }

  get quality(): AudioQuality {
    return this.meter.quality(this.counts);
  }
}

const report = (...reports: readonly ReportBlock[]): RtcpPacket => ({
  type: 'receiver-report',
  ssrc: 7,
  reports,
});
const senderReport = (packetCount: number, ...reports: readonly ReportBlock[]): RtcpPacket => ({
  ...{ type: 'sender-report', ssrc: 7, ntpSeconds: 1, ntpFraction: 2, rtpTimestamp: 3, octetCount: 4 },
  packetCount,
  reports,
});

describe('the quality of what is received', () => {
  it('is that of a window of ten seconds, and beside it the mean, the worst and the total', () => {
    const leg = new Leg();
    for (let s = 0; s < 11; s++) leg.second({ packetsReceived: 50, jitterMs: 2 });
    for (let s = 0; s < 10; s++)
      leg.second({ packetsReceived: 40, packetsLost: 10, jitterMs: s === 5 ? 30 : 2 });
    for (let s = 0; s < 10; s++) leg.second({ packetsReceived: 50, jitterMs: 2 });
    const { received } = leg.quality;
    expect(received).toMatchObject({ packets: 1450, packetsLost: 100, lossPercent: 0, jitterMs: 2 });
    expect(received?.totalLossPercent).toBeCloseTo((100 * 100) / 1550, 2);
    expect(received?.mos).toBeGreaterThan(4.3);
    expect(received?.mosWorst).toBeLessThan(3);
    expect(received?.mosMean).toBeCloseTo(((received?.mos ?? 0) * 2 + (received?.mosWorst ?? 0)) / 3, 1);
    expect(received).toMatchObject({ jitterMaxMs: 30, jitterP95Ms: 2 });
  });

  it('is known before the first window has ended, and null where nothing came', () => {
    const leg = new Leg();
    expect(leg.quality).toEqual({ received: null, sent: null, roundTripMs: null, oneWay: null });
    leg.second({ packetsReceived: 45, packetsLost: 5 });
    expect(leg.quality.received).toMatchObject({ lossPercent: 10, packets: 45, packetsLost: 5 });
  });

  it('does not count a loss that was none twice: a late packet came, and another went missing', () => {
    const leg = new Leg();
    leg.second({ packetsReceived: 50, packetsLost: 1 });
    leg.second({ packetsReceived: 51, packetsLost: -1 });
    leg.second({ packetsReceived: 49, packetsLost: 1 });
    expect(leg.quality.received?.packetsLost).toBe(1);
  });
});

describe('the quality of what the far end receives', () => {
  it('is what it reports: loss, jitter in our clock, and the round trip by our report that it names (RFC 3550 §6.4.1)', () => {
    const leg = new Leg();
    leg.second({ packetsSent: 100 });
    leg.reader.onSenderReport(ours, 0xabcd, leg.nowMs);
    const delaySinceLastSenderReport = 0.9 * 65_536;
    leg.second(
      { packetsSent: 100 },
      report({
        ...quiet,
        fractionLost: 64,
        jitter: 80,
        lastSenderReport: 0xabcd,
        delaySinceLastSenderReport,
      }),
    );
    const { sent, roundTripMs } = leg.quality;
    expect(sent).toMatchObject({ packets: 150, packetsLost: 50, lossPercent: 25, jitterMs: 10 });
    expect(roundTripMs).toBeCloseTo(100, 0);
    expect(sent?.mos).toBeLessThan(2.5);
  });

  it('counts every loss: one among more packets than the fraction can tell, and those of a report that did not come', () => {
    const leg = new Leg();
    leg.second({ packetsSent: 50 }, report({ ...quiet, highestSequence: 49 }));
    // 1 of 400 is 0.64 of 256: the fraction says 0.
    leg.second({ packetsSent: 400 }, report({ ...quiet, highestSequence: 449, packetsLost: 1 }));
    expect(leg.quality.sent?.packetsLost).toBe(1);
    // Half of these were lost, as a report says that is itself lost.
    leg.second({ packetsSent: 100 });
    leg.second({ packetsSent: 100 }, report({ ...quiet, highestSequence: 649, packetsLost: 51 }));
    expect(leg.quality.sent).toMatchObject({ packets: 599, packetsLost: 51 });
  });

  it('is by the fraction where the totals cannot be', () => {
    for (const packetsLost of [-0x800000, 0, 5000, 0x7fffff]) {
      const leg = new Leg();
      leg.second({ packetsSent: 50 }, report({ ...quiet, highestSequence: 49 }));
      leg.second(
        { packetsSent: 100 },
        report({ ...quiet, highestSequence: 149, packetsLost, fractionLost: 128 }),
      );
      expect(leg.quality.sent).toMatchObject({ packets: 100, packetsLost: 50 });
    }
  });

  it('is not what is reported on the streams of others', () => {
    const leg = new Leg();
    leg.second({ packetsSent: 100 }, report({ ...quiet, ssrc: 5, fractionLost: 255, jitter: 9999 }));
    expect(leg.quality).toMatchObject({ sent: null, roundTripMs: null });
  });

  it('is finite, not negative and no more than we sent, whatever is reported, and however often', () => {
    const extremes = [0, 1, 255, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
    const leg = new Leg();
    leg.second({ packetsSent: 50 });
    leg.reader.onSenderReport(ours, 0x8000_0000, leg.nowMs);
    for (const a of extremes) {
      for (const b of extremes) {
        const block: ReportBlock = {
          ssrc: ours,
          fractionLost: a & 0xff,
          packetsLost: (b | 0) >> 8,
          highestSequence: a,
          jitter: b,
          lastSenderReport: b,
          delaySinceLastSenderReport: a,
        };
        const flood = Array.from({ length: 31 }, () => block);
        leg.second({ packetsSent: 50 }, senderReport(a, ...flood), report(...flood), report());
        const { sent, roundTripMs } = leg.quality;
        expect(sent).not.toBeNull();
        for (const [name, value] of Object.entries({ ...sent, roundTripMs: roundTripMs ?? 0 })) {
          expect(Number.isFinite(value), name).toBe(true);
          expect(value, name).toBeGreaterThanOrEqual(0);
          expect(value, name).toBeLessThanOrEqual(10_000);
        }
        expect(sent?.lossPercent).toBeLessThanOrEqual(100);
        const counted = (sent?.packets ?? 0) + (sent?.packetsLost ?? 0);
        expect(counted).toBeLessThanOrEqual(leg.counts.packetsSent + 1);
      }
    }
  });

  it('takes no round trip from a report of ours that was never sent, nor one of hours', () => {
    const leg = new Leg();
    leg.second({ packetsSent: 50 });
    leg.reader.onSenderReport(ours, 77, leg.nowMs);
    leg.second({ packetsSent: 50 }, report({ ...quiet, lastSenderReport: 78 }));
    expect(leg.quality.roundTripMs).toBeNull();
    // It says that it waited for longer than we did.
    leg.second(
      { packetsSent: 50 },
      report({ ...quiet, highestSequence: 2, lastSenderReport: 77, delaySinceLastSenderReport: 0xffff_ffff }),
    );
    expect(leg.quality.roundTripMs).toBeNull();
    for (let s = 0; s < 11; s++) leg.second({ packetsSent: 50 });
    leg.second({ packetsSent: 50 }, report({ ...quiet, highestSequence: 3, lastSenderReport: 77 }));
    expect(leg.quality.roundTripMs).toBeNull();
  });
});

describe('audio that goes one way', () => {
  const seconds = (leg: Leg, more: Partial<AudioCounts>, reports: (s: number) => RtcpPacket): void => {
    for (let s = 1; s <= 22; s++) leg.second(more, ...(s % 5 === 0 ? [reports(s)] : []));
  };

  it('is none while both ends report that they hear', () => {
    const leg = new Leg();
    const both = { packetsSent: 50, packetsReceived: 50 };
    seconds(leg, both, (s) => senderReport(s, { ...quiet, highestSequence: s }));
    expect(leg.quality.oneWay).toBeNull();
  });

  it('is `not-received` where the far end says that it sends and nothing comes', () => {
    const leg = new Leg();
    seconds(leg, { packetsSent: 50 }, (s) => senderReport(s, { ...quiet, highestSequence: s }));
    expect(leg.quality.oneWay).toBe('not-received');
  });

  it('is none where a phone is muted: it sends receiver reports, or its count stands', () => {
    for (const muted of [
      (s: number) => report({ ...quiet, highestSequence: s }),
      (s: number) => senderReport(0, { ...quiet, highestSequence: s }),
    ]) {
      const leg = new Leg();
      seconds(leg, { packetsSent: 50 }, muted);
      expect(leg.quality.oneWay).toBeNull();
    }
  });

  it('is `not-heard` where reports on our stream no longer say that anything came, and all of it counts as lost', () => {
    for (const still of [(s: number) => senderReport(s, quiet), (s: number) => senderReport(s)]) {
      const leg = new Leg();
      const both = { packetsSent: 50, packetsReceived: 50 };
      leg.second(both, senderReport(1, quiet));
      seconds(leg, both, still);
      expect(leg.quality).toMatchObject({ oneWay: 'not-heard', sent: { lossPercent: 100 } });
      seconds(leg, both, (s) => senderReport(s, { ...quiet, highestSequence: s + 1 }));
      expect(leg.quality.oneWay).toBeNull();
    }
  });

  it('is `not-reported` where the far end hears us, or not, but never said so', () => {
    const leg = new Leg();
    seconds(leg, { packetsSent: 50, packetsReceived: 50 }, (s) => senderReport(s));
    expect(leg.quality).toMatchObject({ oneWay: 'not-reported', sent: null });
  });
});
