import { Encoder } from '@evan/opus';
import { describe, expect, it } from 'vitest';
import type { Codec } from '../codec/codec.js';
import { pcmu } from '../codec/g711.js';
import { RtpPacket } from '../rtp/rtp-packet.js';
import { dominantFrequencyHz, levelAt, overallLevel } from '../sound/dominant-frequency.js';
import { Tone } from '../sound/tone.js';
import type { PacketSink, SourceTrack } from '../source-track.js';
import { Mixes } from './mixes.js';
import { PcmSource, type PcmSourceOptions } from './pcm-source.js';

const pcmuCodec: Codec = { name: 'PCMU', clockRateHz: 8000, channels: 1 };

class FakeTrack implements SourceTrack {
  readonly streamId = 'p.1';
  readonly kind = 'audio';
  readonly sinks = new Set<PacketSink>();
  constructor(readonly codec: Codec = pcmuCodec) {}
  addSink(sink: PacketSink): void {
    this.sinks.add(sink);
  }
  removeSink(sink: PacketSink): void {
    this.sinks.delete(sink);
  }
  requestKeyFrame(): void {}
  send(payload: Uint8Array, sequenceNumber: number, ssrc = 1): void {
    const buffer = Buffer.alloc(12 + payload.length);
    RtpPacket.writeHeader(buffer, {
      payloadType: 0,
      marker: false,
      sequenceNumber: sequenceNumber & 0xffff,
      timestamp: 0,
      ssrc,
    });
    buffer.set(payload, 12);
    const packet = new RtpPacket();
    RtpPacket.parse(buffer, packet);
    for (const sink of this.sinks) sink.onPacket(packet, 0);
  }
}

interface Network {
  readonly ptimeMs?: number;
  readonly packets?: number;
  /** When packet `n` arrives, given when it was sent; null: never. */
  readonly arrival?: (n: number, sentMs: number) => number | null;
  readonly options?: PcmSourceOptions;
  readonly ssrcOf?: (n: number) => number;
}

/** A 400 Hz tone over a network, read at ticks that fall 5 ms after the packets; nulls become zeros. */
function played({
  ptimeMs = 20,
  packets = 100,
  arrival = (_n, ms) => ms,
  options,
  ssrcOf = () => 1,
}: Network) {
  const track = new FakeTrack();
  const source = new PcmSource(track, options);
  const tone = new Tone(400);
  const sent = Array.from({ length: packets }, (_, n) => {
    const payload = new Uint8Array(ptimeMs * 8);
    pcmu.encode(tone.fill(new Int16Array(ptimeMs * 8)), payload);
    return { n, payload, atMs: arrival(n, n * ptimeMs) };
  });
  const onTheWay = sent.filter((packet) => packet.atMs !== null).sort((a, b) => a.atMs! - b.atMs!);
  const ticks = Math.floor((packets * ptimeMs) / 20);
  const pcm = new Int16Array(ticks * 160);
  let silent = 0;
  let longestDelayMs = 0;
  for (let tick = 0; tick < ticks; tick++) {
    while (onTheWay.length > 0 && onTheWay[0]!.atMs! <= tick * 20 + 5) {
      const { n, payload } = onTheWay.shift()!;
      track.send(payload, n + 65_500, ssrcOf(n));
    }
    const frame = source.frameAt(tick);
    if (frame === null) silent++;
    else pcm.set(frame, tick * 160);
    longestDelayMs = Math.max(longestDelayMs, source.delayMs);
  }
  return { pcm, silent, longestDelayMs, delayMs: source.delayMs, ...source.statistics() };
}

/** Largest step from sample to sample: a 400 Hz tone at this amplitude makes 2500, a click more. */
function largestStep(pcm: Int16Array): number {
  let largest = 0;
  for (let i = 1; i < pcm.length; i++) largest = Math.max(largest, Math.abs(pcm[i]! - pcm[i - 1]!));
  return largest;
}

describe('PcmSource', () => {
  it.each([5, 10, 15, 20, 30, 40, 60, 120, 150, 180])(
    'plays %i ms packets on a clean path as they are',
    (ptimeMs) => {
      const heard = played({ ptimeMs, packets: 3600 / ptimeMs });
      expect(heard).toMatchObject({ lost: 0, late: 0, overflow: 0, shortened: 0 });
      expect(dominantFrequencyHz(heard.pcm, 8000)).toBeCloseTo(400, 0);
      expect(levelAt(heard.pcm, 8000, 400)).toBeGreaterThan(-13);
      expect(largestStep(heard.pcm)).toBeLessThan(3300);
    },
  );

  it('adds nothing to a clean path but the wait for the tick', () => {
    expect(played({})).toMatchObject({ silent: 0, concealedSamples: 0, longestDelayMs: 0 });
  });

  it('keeps the target waiting where one is set', () => {
    expect(played({ options: { targetMs: 40 } })).toMatchObject({
      concealedSamples: 0,
      delayMs: 40,
      silent: 2,
    });
  });

  it('hides a lost packet without a click and without falling behind', () => {
    const heard = played({ arrival: (n, ms) => (n % 20 === 10 ? null : ms) });
    expect(heard).toMatchObject({ lost: 5, concealedSamples: 5 * 160, longestDelayMs: 0, silent: 0 });
    expect(largestStep(heard.pcm)).toBeLessThan(4500);
    expect(levelAt(heard.pcm, 8000, 400)).toBeGreaterThan(-13.5);
  });

  it('fades to silence when a source pauses, and comes back without a click', () => {
    const heard = played({ packets: 200, arrival: (n, ms) => (n >= 50 && n < 100 ? null : ms) });
    expect(heard.silent).toBeGreaterThan(40);
    expect(overallLevel(heard.pcm.subarray(60 * 160, 95 * 160))).toBe(-Infinity);
    expect(largestStep(heard.pcm)).toBeLessThan(4500);
    expect(heard.longestDelayMs).toBe(0);
  });

  it('plays packets that were reordered in their order once there is room for it', () => {
    const heard = played({ packets: 200, arrival: (n, ms) => ms + (n % 4 === 1 ? 25 : 0) });
    expect(heard.late).toBeLessThan(3);
    expect(heard.delayMs).toBeLessThanOrEqual(20);
    expect(levelAt(heard.pcm.subarray(16_000), 8000, 400)).toBeGreaterThan(-12.6);
  });

  it('waits longer while the path jitters, and gives the delay back when it is clean again', () => {
    const jittering = (n: number, ms: number): number => ms + (n < 300 ? (n * 37) % 50 : 0);
    const heard = played({ packets: 1200, arrival: jittering });
    expect(heard.longestDelayMs).toBeGreaterThanOrEqual(20);
    expect(heard.longestDelayMs).toBeLessThanOrEqual(120);
    expect(heard.shortened).toBeGreaterThan(0);
    expect(heard.delayMs).toBe(0);
    expect(largestStep(heard.pcm.subarray(350 * 160))).toBeLessThan(4500);
  });

  it('never keeps more than 120 ms, even after a stall', () => {
    const heard = played({ packets: 600, arrival: (n, ms) => (n >= 50 && n < 100 ? 2000 : ms) });
    expect(heard.longestDelayMs).toBeLessThanOrEqual(120);
    expect(heard.overflow + heard.resyncs).toBeGreaterThan(0);
    expect(heard.delayMs).toBe(0);
  });

  it('goes on at once with another SSRC', () => {
    const heard = played({ ssrcOf: (n) => (n < 50 ? 1 : 2) });
    expect(heard).toMatchObject({ resyncs: 1, silent: 0, concealedSamples: 0 });
  });

  it('follows a sender whose clock is slower or faster', () => {
    for (const factor of [0.999, 1.001]) {
      const heard = played({ packets: 3000, arrival: (_n, ms) => ms * factor });
      expect(heard.longestDelayMs).toBeLessThanOrEqual(60);
      expect(heard.concealedSamples + heard.shortened * 160).toBeLessThan(8 * 160);
      expect(largestStep(heard.pcm)).toBeLessThan(4500);
    }
  });

  it('gives the same frame to everyone within a tick', () => {
    const track = new FakeTrack();
    const source = new PcmSource(track);
    track.send(new Uint8Array(160).fill(0x20), 1);
    expect(source.frameAt(7)).toBe(source.frameAt(7));
    source.close();
    expect(track.sinks.size).toBe(0);
  });

  it('decodes Opus and lets its decoder conceal', () => {
    const track = new FakeTrack({ name: 'opus', clockRateHz: 48_000, channels: 2 });
    const source = new PcmSource(track);
    const encoder = new Encoder({ channels: 1, sample_rate: 48000, application: 'voip' });
    const tone = new Tone(400, 48_000);
    const pcm = new Int16Array(50 * 160);
    for (let n = 0; n < 50; n++) {
      const packet = encoder.encode(tone.fill(new Int16Array(960)));
      if (n !== 25) track.send(packet, n);
      const frame = source.frameAt(n);
      if (frame !== null) pcm.set(frame, n * 160);
    }
    expect(source.statistics().lost).toBe(1);
    expect(dominantFrequencyHz(pcm, 8000)).toBeCloseTo(400, 0);
  });

  it('survives payloads that are no sound', () => {
    const track = new FakeTrack({ name: 'opus', clockRateHz: 48_000, channels: 2 });
    const source = new PcmSource(track);
    for (let n = 0; n < 50; n++) {
      track.send(
        Uint8Array.from({ length: n }, (_, i) => (i * n * 97) & 0xff),
        n,
      );
      source.frameAt(n);
    }
  });

  it('takes nothing that is longer than a packet of sound can be', () => {
    const track = new FakeTrack();
    const source = new PcmSource(track);
    track.send(new Uint8Array(60_000), 1);
    expect(source.frameAt(1)).toBeNull();
    expect(source.delayMs).toBe(0);
  });
});

describe('Mixes', () => {
  it('shares a mix among those who hear the same, and sources among mixes', () => {
    const mixes = new Mixes();
    const [a, b, c] = [new FakeTrack(), new FakeTrack(), new FakeTrack()];
    const first = mixes.acquire([a, b], 8000);
    expect(mixes.acquire([b, a], 8000)).toBe(first);
    const other = mixes.acquire([b, c], 8000);
    expect(mixes.acquire([a, b], 16_000)).not.toBe(first);
    // One of each source at either rate.
    expect([mixes.size, mixes.sourceCount, b.sinks.size]).toEqual([3, 5, 2]);
    mixes.release(first);
    mixes.release(first);
    mixes.release(other);
    expect([mixes.size, mixes.sourceCount, c.sinks.size]).toEqual([1, 2, 0]);
  });

  it('mixes and encodes once per tick', () => {
    const mixes = new Mixes();
    const tracks = [new FakeTrack(), new FakeTrack()];
    const mix = mixes.acquire(tracks, 8000);
    const payload = new Uint8Array(160);
    pcmu.encode(new Int16Array(160).fill(1000), payload);
    for (const track of tracks) track.send(payload, 1);
    const sum = mix.payloadAt(1, 'PCMA');
    expect(sum[0]).not.toBe(0xd5);
    expect(mix.payloadAt(1, 'PCMA')).toBe(sum);
    expect(Uint8Array.from(mix.payloadAt(1, 'PCMA'))).toEqual(Uint8Array.from(sum));
  });
});
