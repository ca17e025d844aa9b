import { describe, expect, it } from 'vitest';
import { RtpPacket } from '../rtp/rtp-packet.js';
import { RtpOutput } from './rtp-output.js';

interface Sent {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly length: number;
}

/** Drives an output and notes its packets relative to the first. */
class Probe {
  readonly output = new RtpOutput((datagram) => this.note(datagram));
  readonly sent: Sent[] = [];
  #first: RtpPacket | null = null;

  note(datagram: Buffer): void {
    const packet = new RtpPacket();
    RtpPacket.parse(datagram, packet);
    this.#first ??= packet;
    expect(packet.ssrc).toBe(this.output.ssrc);
    this.sent.push({
      sequence: (packet.sequenceNumber - this.#first.sequenceNumber) & 0xffff,
      timestamp: (packet.timestamp - this.#first.timestamp) >>> 0,
      marker: packet.marker,
      length: packet.payloadLength,
    });
  }
  made(nowMs: number): void {
    this.output.write(0, new Uint8Array(160), nowMs);
  }
  passed(sequence: number, timestamp: number, nowMs: number, ssrc = 5): boolean {
    const buffer = Buffer.alloc(172);
    RtpPacket.writeHeader(buffer, {
      payloadType: 0,
      marker: false,
      sequenceNumber: sequence & 0xffff,
      timestamp: timestamp >>> 0,
      ssrc,
    });
    const packet = new RtpPacket();
    RtpPacket.parse(buffer, packet);
    return this.output.forward(packet, 8, nowMs);
  }
  get lengths(): number[] {
    return this.sent.map(({ length }) => length);
  }
  get numbers(): [number, number][] {
    return this.sent.map(({ sequence, timestamp }) => [sequence, timestamp]);
  }
}

describe('RtpOutput', () => {
  it('runs on from what it makes to what it passes through and back', () => {
    const probe = new Probe();
    probe.made(0);
    probe.passed(65_535, 0xffff_ff60, 20);
    probe.passed(65_536, 0x1_0000_0000, 40);
    probe.made(60);
    probe.passed(900, 77, 80, 6);
    expect(probe.numbers).toEqual([
      [0, 0],
      [1, 160],
      [2, 320],
      [3, 480],
      [4, 640],
    ]);
    expect(probe.sent.map(({ marker }) => marker)).toEqual([true, true, false, false, true]);
  });

  it('carries losses and order of the source over, so that the phone can conceal and sort', () => {
    const probe = new Probe();
    for (const n of [10, 11, 14, 13, 15]) probe.passed(n, n * 160, n * 20);
    expect(probe.numbers).toEqual([
      [0, 0],
      [1, 160],
      [4, 640],
      [3, 480],
      [5, 800],
    ]);
  });

  it('drops what is older than the point where the source was taken up', () => {
    const probe = new Probe();
    probe.made(0);
    probe.passed(10, 1600, 20);
    expect(probe.passed(9, 1440, 25)).toBe(false);
    expect(probe.sent).toHaveLength(2);
  });

  it.each([
    ['sequence', 5000, 1760],
    ['timestamp', 11, 9_999_999],
  ])('closes up jumps of the %s', (_what, sequence, timestamp) => {
    const probe = new Probe();
    probe.passed(10, 1600, 0);
    probe.passed(sequence, timestamp, 20);
    expect(probe.numbers).toEqual([
      [0, 0],
      [1, 160],
    ]);
    expect(probe.sent[1]!.marker).toBe(true);
  });

  it('keeps its timestamps with the time over a pause', () => {
    const probe = new Probe();
    probe.made(0);
    probe.output.skipTo(1003);
    probe.made(1003);
    expect(probe.numbers).toEqual([
      [0, 0],
      [1, 8000],
    ]);
    expect(probe.sent[1]!.marker).toBe(true);
  });

  it('tells sender reports how many packets and octets, and the timestamp of a moment', () => {
    const probe = new Probe();
    const { output } = probe;
    probe.made(0);
    const after = output.timestampAt(0);
    probe.made(20);
    expect([output.packets, output.octets, output.idleMs(20)]).toEqual([2, 320, -20]);
    expect((output.timestampAt(30) - after) >>> 0).toBe(240);
  });

  it('sends an event within its numbers, at the time it began, and takes a source up again behind it', () => {
    const probe = new Probe();
    probe.passed(10, 1600, 0);
    const { output } = probe;
    output.beginEvent();
    for (const n of [1, 2, 3]) {
      output.writeEvent(101, new Uint8Array(4));
      output.advance(160, n * 20);
    }
    probe.passed(14, 2240, 80);
    expect(probe.numbers).toEqual([
      [0, 0],
      [1, 160],
      [2, 160],
      [3, 160],
      [4, 640],
    ]);
    expect(probe.sent.map(({ marker }) => marker)).toEqual([true, true, false, false, true]);
    expect([output.packets, output.octets]).toEqual([5, 332]);
  });

  it('sends nothing that is larger than a packet may be', () => {
    const packet = new RtpPacket();
    RtpPacket.parse(Buffer.concat([Buffer.from([0x80]), Buffer.alloc(1600)]), packet);
    expect(new RtpOutput(() => undefined).forward(packet, 0, 0)).toBe(false);
  });

  it.each([
    [null, [160]],
    [30, [160]],
    [20, [160]],
    [15, [80, 80]],
    [10, [80, 80]],
    [7, [54, 54, 52]],
    [5, [40, 40, 40, 40]],
    [1, [40, 40, 40, 40]],
  ])(
    'sends nothing longer than the listener takes, made here or passed through: %s ms',
    (maxPacketMs, lengths) => {
      const probe = new Probe();
      probe.output.maxPacketMs = maxPacketMs;
      probe.made(0);
      probe.passed(10, 1600, 20);
      // One is lost.
      probe.passed(12, 1920, 60);
      probe.made(80);
      const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + length, 0));
      const n = lengths.length;
      const ofOne = (sequence: number, timestamp: number): [number, number][] =>
        starts.map((start, i) => [sequence + i, timestamp + start]);
      expect(probe.numbers).toEqual([
        ...ofOne(0, 0),
        ...ofOne(n, 160),
        ...ofOne(2 * n + 1, 480),
        ...ofOne(3 * n + 1, 640),
      ]);
      expect(probe.lengths).toEqual([...lengths, ...lengths, ...lengths, ...lengths]);
      expect(probe.sent.filter(({ marker }) => marker)).toHaveLength(2);
    },
  );
});
