import { describe, expect, it } from 'vitest';
import { usualUse } from '../../../sdp/phone-codecs.js';
import { phoneCodec } from '../codec/phone-codec.js';
import { Mixes } from '../mix/mixes.js';
import { RtpPacket, rtpHeaderLength } from '../rtp/rtp-packet.js';
import { timestampDistance } from '../rtp/sequence.js';
import { PhoneIncomingTrack } from './phone-incoming-track.js';
import { PhoneOutgoingTrack } from './phone-outgoing-track.js';
import { RtpOutput } from './rtp-output.js';
import { holdSound } from '../sound/hold-sound.js';
import { SoundLoop } from '../sound/sound-loop.js';

const pcmuPhone = phoneCodec(usualUse('PCMU'));

/** One packet of the talker's. */
interface Said {
  readonly atMs: number;
  /** Where its first sample stands in the talker's time. */
  readonly sampleMs: number;
  readonly durationMs?: number;
  readonly marker?: boolean;
  /** Default: one after the packet before. */
  readonly sequenceNumber?: number;
  /** Instead of the timestamp of `sampleMs`. */
  readonly timestamp?: number;
  readonly ssrc?: number;
  /** Instead of as many as the duration has. */
  readonly octets?: number;
  /** Comfort noise or a telephone event: not heard. */
  readonly isLeftOut?: boolean;
}

interface Heard {
  readonly atMs: number;
  readonly timestamp: number;
  readonly samples: number;
  readonly isSilence: boolean;
}

const sound = 0x31;
const silence = 0xff;

/** What a listener of the same law is sent until `endMs` while the talker says this. Ticks come between the talker's packets. */
function listen(
  said: readonly Said[],
  endMs: number,
  { nobodyFromMs = Infinity, ticksMissed = (_tick: number): boolean => false } = {},
): Heard[] {
  let nowMs = 0;
  const heard: Heard[] = [];
  const output = new RtpOutput((datagram) => {
    const packet = new RtpPacket();
    RtpPacket.parse(datagram, packet);
    const { timestamp, payloadLength, payload } = packet;
    heard.push({
      atMs: nowMs,
      timestamp,
      samples: payloadLength,
      isSilence: payload.every((octet) => octet === silence),
    });
  });
  const track = new PhoneOutgoingTrack({
    mixes: new Mixes(),
    hold: new SoundLoop(holdSound()),
    output,
    now: () => nowMs,
  });
  const talker = new PhoneIncomingTrack('talker.1', pcmuPhone);
  track.start(pcmuPhone, 0, false);
  track.receive([{ streamId: 'talker.1', alias: 'microphone', audio: talker, video: null }], false);
  const tick = (n: number): void => {
    nowMs = n * 20 + 7;
    if (nowMs >= nobodyFromMs) track.receive([], false);
    if (!ticksMissed(n)) track.onTick(n, nowMs);
  };
  let ticks = 0;
  said.forEach(({ atMs, sampleMs, durationMs = 20, marker = false, ...odd }, index) => {
    while (ticks * 20 + 7 <= atMs) tick(ticks++);
    nowMs = atMs;
    const { octets = durationMs * 8, ssrc = 7 } = odd;
    const datagram = Buffer.alloc(rtpHeaderLength + octets, sound);
    const { sequenceNumber = index, timestamp = (0xffff_f000 + sampleMs * 8) >>> 0 } = odd;
    RtpPacket.writeHeader(datagram, { payloadType: 0, marker, sequenceNumber, timestamp, ssrc });
    const packet = new RtpPacket();
    RtpPacket.parse(datagram, packet);
    if (odd.isLeftOut === true) talker.leaveOut(packet, false);
    else talker.publish(packet, pcmuPhone, nowMs);
  });
  while (ticks * 20 + 7 <= endMs) tick(ticks++);
  return heard;
}

/** How far the listener's RTP time has run ahead of the time since the first packet, at its most and at its end. */
function aheadMs(heard: readonly Heard[]): { most: number; atEnd: number; least: number } {
  const [first] = heard;
  const ahead = heard.map(
    ({ atMs, timestamp }) => timestampDistance(timestamp, first!.timestamp) / 8 - (atMs - first!.atMs),
  );
  return { most: Math.max(...ahead), least: Math.min(...ahead), atEnd: ahead.at(-1)! };
}

const silences = (heard: readonly Heard[]): number => heard.filter(({ isSilence }) => isSilence).length;

/** No two packets are of the same time, and none of an earlier one than the packet before. */
function expectNoOverlap(heard: readonly Heard[]): void {
  heard.slice(1).forEach((packet, i) => {
    const { timestamp, samples } = heard[i]!;
    expect(timestampDistance(packet.timestamp, timestamp)).toBeGreaterThanOrEqual(samples);
  });
}

/** `count` packets, each sent when its last sample is there, or later. */
const packets = (count: number, later: (readyMs: number) => number = (ms) => ms, durationMs = 20): Said[] =>
  Array.from({ length: count }, (_, n) => {
    const readyMs = 100 + (n + 1) * durationMs;
    return { atMs: later(readyMs), sampleMs: n * durationMs, durationMs };
  });

/** Held up to the next whole multiple of this: bursts. */
const inBursts =
  (everyMs: number) =>
  (readyMs: number): number =>
    Math.ceil(readyMs / everyMs) * everyMs;

/** Nothing comes in the first `stallMs` of each second; then all at once. */
const stallingFor =
  (stallMs: number) =>
  (readyMs: number): number =>
    Math.max(readyMs, Math.floor(readyMs / 1000) * 1000 + stallMs);

describe('a phone that is passed through to another', () => {
  it.each([
    ['20 ms packets', packets(450)],
    ['four 20 ms packets every 80 ms', packets(450, inBursts(80))],
    ['ten 20 ms packets every 200 ms', packets(450, inBursts(200))],
    ['packets of 10 ms in pairs', packets(900, inBursts(20), 10)],
    ['packets of 60 ms', packets(150, undefined, 60)],
    ['packets of 80 ms', packets(112, undefined, 80)],
    ['packets of 100 ms', packets(90, undefined, 100)],
    ['two packets of 100 ms every 200 ms', packets(90, inBursts(200), 100)],
    ['a stall of 80 ms each second', packets(450, stallingFor(80))],
    ['a stall of 110 ms each second', packets(450, stallingFor(110))],
    ['packets that come up to 45 ms late', packets(450, (ms) => ms + ((ms / 20) % 10) * 5)],
  ])('is heard as it speaks, without a silence that it did not make: %s', (_what, said) => {
    const heard = listen(said, 9100);
    // Silence is what was sent before the talker's first packet.
    const from = heard.findIndex(({ isSilence }) => !isSilence);
    const spoken = heard.slice(from);
    expect(silences(spoken)).toBe(0);
    expect(spoken).toHaveLength(said.length);
    spoken.forEach((packet, n) => {
      expect(timestampDistance(packet.timestamp, spoken[0]!.timestamp)).toBe(
        (said[n]!.sampleMs - said[0]!.sampleMs) * 8,
      );
    });
    expectNoOverlap(heard);
  });

  it.each([
    ['300 ms each second', stallingFor(300)],
    ['150 ms each second', stallingFor(150)],
    ['700 ms each second', stallingFor(700)],
    ['2.5 s, once', (ms: number) => (ms > 3000 && ms < 5500 ? 5500 : ms)],
  ])(
    'that stalls for %s is heard at its time afterwards, with what came too late left out',
    (_what, later) => {
      const heard = listen(packets(450, later), 9100);
      expectNoOverlap(heard);
      expect(Math.abs(aheadMs(heard).atEnd)).toBeLessThanOrEqual(40);
      const samples = heard.reduce((sum, { samples }) => sum + samples, 0);
      expect(samples / 8).toBeLessThanOrEqual(heard.at(-1)!.atMs + 40);
      expect(silences(heard)).toBeGreaterThan(0);
    },
  );

  it.each([
    ['whose clock goes on', true, false],
    ['whose clock stands still', false, false],
    ['whose clock stands still, and that marks where it speaks again', false, true],
  ])(
    'that falls silent for a second again and again, %s, stays with the time',
    (_what, clockGoesOn, marks) => {
      const said: Said[] = [];
      for (let round = 0; round < 6; round++) {
        for (let n = 0; n < 25; n++) {
          const atMs = 100 + round * 1500 + n * 20;
          said.push({
            atMs,
            sampleMs: clockGoesOn ? atMs : (round * 25 + n) * 20,
            marker: marks && n === 0,
          });
        }
      }
      const heard = listen(said, 9100);
      expectNoOverlap(heard);
      const { most, least } = aheadMs(heard);
      expect(most).toBeLessThanOrEqual(40);
      expect(least).toBeGreaterThanOrEqual(-140);
      // One packet at most of each time that it speaks is taken for one that was held up.
      expect(heard.length - silences(heard)).toBeGreaterThanOrEqual(
        said.length - (clockGoesOn || marks ? 0 : 5),
      );
      expect(Math.abs(aheadMs(heard).atEnd)).toBeLessThanOrEqual(40);
    },
  );

  it.each<[string, (n: number) => Partial<Said>]>([
    ['timestamps stand still', () => ({ timestamp: 77 })],
    ['timestamps run twice as fast', (n) => ({ timestamp: n * 320 })],
    ['timestamps run half as fast', (n) => ({ timestamp: n * 80 })],
    ['timestamps waver', (n) => ({ timestamp: 1000 + n * 160 + ((n * 7919) % 17) - 8 })],
    ['timestamps begin anew', (n) => ({ timestamp: (n % 100) * 160 })],
    ['sequence numbers stand still', () => ({ sequenceNumber: 5 })],
    ['sequence begins anew, far behind', (n) => ({ sequenceNumber: n % 150 })],
    ['sequence begins anew, a little behind', (n) => ({ sequenceNumber: n - 20 * Math.floor(n / 100) })],
    [
      'sequence begins anew with its timestamps',
      (n) => ({ sequenceNumber: n % 60, timestamp: (n % 60) * 160 }),
    ],
  ])('whose %s is heard at 8000 samples a second', (_what, odd) => {
    const said = packets(450).map((packet, n) => ({ ...packet, ...odd(n) }));
    const heard = listen(said, 9100);
    const spoken = heard.filter(({ isSilence }) => !isSilence);
    const late = spoken.filter(({ atMs }) => atMs > 1000);
    const [first, last] = [late[0]!, late.at(-1)!];
    const rate = timestampDistance(last.timestamp, first.timestamp) / ((last.atMs - first.atMs) / 1000);
    expect(Math.abs(rate - 8000)).toBeLessThan(160);
    expect(silences(heard.filter(({ atMs }) => atMs > 1000 && atMs < 9000))).toBe(0);
    expect(spoken.length).toBeGreaterThan(430);
  });

  /** Packets of another stream, whose numbers say how far it is. */
  const as = (ssrc: number, said: readonly Said[]): Said[] =>
    said.map((packet) => ({
      ...packet,
      ssrc,
      sequenceNumber: (ssrc * 5000 + packet.sampleMs / 20) & 0xffff,
    }));
  const sorted = (...all: readonly Said[][]): Said[] => all.flat().sort((a, b) => a.atMs - b.atMs);
  const later = (said: readonly Said[], byMs: number): Said[] =>
    said.map((packet) => ({ ...packet, atMs: packet.atMs + byMs }));

  it.each<[string, readonly Said[]]>([
    ['two streams at once', sorted(as(1, packets(450)), as(2, later(packets(450), 5)))],
    ['two streams at once for two seconds', sorted(as(1, packets(450)), as(2, later(packets(100), 3005)))],
    [
      'a stream a second, the one before going on for 300 ms',
      sorted(...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => as(n + 1, later(packets(65), n * 1000)))),
    ],
    [
      'another stream after each stall',
      as(1, packets(450, stallingFor(80))).map((packet) => ({
        ...packet,
        ssrc: 1 + Math.floor((packet.sampleMs + 140) / 1000),
      })),
    ],
    ['the first second at once', packets(450, (ms) => Math.max(ms, 1100))],
    ['everything a second too early', packets(450, (ms) => Math.max(120, ms - 1000))],
    [
      'twice as fast as anybody speaks',
      Array.from({ length: 900 }, (_, n) => ({ atMs: 100 + n * 10, sampleMs: n * 20 })),
    ],
    ['ten times as fast', Array.from({ length: 4500 }, (_, n) => ({ atMs: 100 + n * 2, sampleMs: n * 20 }))],
    [
      'packets of 175 ms every 20 ms',
      Array.from({ length: 450 }, (_, n) => ({ atMs: 100 + n * 20, sampleMs: n * 175, durationMs: 175 })),
    ],
    ['twice as many octets as samples', packets(450).map((packet) => ({ ...packet, octets: 320 }))],
    ['half as many octets as samples', packets(450).map((packet) => ({ ...packet, octets: 80 }))],
    ['one octet for 160 samples', packets(450).map((packet) => ({ ...packet, octets: 1 }))],
    [
      'timestamps that jump by hours each second',
      packets(450).map((packet, n) => ({
        ...packet,
        timestamp: packet.sampleMs * 8 + Math.floor(n / 50) * 86_400_000,
      })),
    ],
    [
      'timestamps that jump by 100 ms each second',
      packets(450).map((packet, n) => ({
        ...packet,
        timestamp: packet.sampleMs * 8 + Math.floor(n / 50) * 800,
      })),
    ],
    [
      'comfort noise between the words, in its numbers',
      packets(450).map((packet, n) => ({ ...packet, isLeftOut: n % 50 > 30 && n % 10 !== 0 })),
    ],
    [
      'a key each second, with a stall within',
      packets(450, (ms) => (ms % 1000 >= 460 && ms % 1000 < 700 ? ms - (ms % 1000) + 700 : ms)).map(
        (packet, n) => ({ ...packet, isLeftOut: n % 50 >= 15 && n % 50 < 27 }),
      ),
    ],
    ['a clock that is 200 ppm fast', packets(450, (ms) => ms * (1 - 200e-6))],
    ['a clock that is 200 ppm slow', packets(450, (ms) => ms * (1 + 200e-6))],
    ['packets of 20, 60, 10, 30, 100 and 5 ms in turn', mixedLengths()],
  ])('that sends %s is heard at 8000 samples a second, never long before its time', (_what, said) => {
    const heard = listen(said, 9300);
    expect(aheadMs(heard).most).toBeLessThan(700);
    // It takes a moment to know a source that is ahead of the time or counts otherwise.
    const later = heard.filter(({ atMs }) => atMs > 1300);
    expectNoOverlap(later);
    const { most, atEnd } = aheadMs(later.filter(({ isSilence, atMs }) => !isSilence && atMs < 8000));
    expect(most).toBeLessThan(180);
    expect(Math.abs(atEnd)).toBeLessThan(180);
  });

  function mixedLengths(): Said[] {
    let atMs = 100;
    return [20, 60, 10, 30, 100, 5].flatMap((durationMs) =>
      Array.from({ length: 1500 / durationMs }, () => {
        atMs += durationMs;
        return { atMs, sampleMs: atMs - durationMs, durationMs };
      }),
    );
  }

  it('that sends each packet twice is sent once', () => {
    const said = packets(100).flatMap((packet, n) => [
      { ...packet, sequenceNumber: n },
      { ...packet, sequenceNumber: n },
    ]);
    expect(listen(said, 2100).filter(({ isSilence }) => !isSilence)).toHaveLength(100);
  });

  it('whose clock is fast is still replaced by silence soon after it stops', () => {
    // 1 % fast for 60 s: 600 ms ahead, had every packet to be heard to its end.
    const said = Array.from({ length: 3000 }, (_, n) => ({ atMs: 100 + n * 19.8, sampleMs: n * 20 }));
    const stopMs = said.at(-1)!.atMs;
    const heard = listen(said, stopMs + 1000);
    const first = heard.find(({ atMs, isSilence }) => isSilence && atMs > stopMs);
    expect(first!.atMs - stopMs).toBeLessThan(250);
  });

  it('gives way to what is made here when all of it has been heard', () => {
    // The last burst comes at 480 ms and lasts to 560 ms; from 500 ms on the listener hears nobody.
    const heard = listen(packets(19, inBursts(80)), 9100, { nobodyFromMs: 500 });
    expectNoOverlap(heard);
    expect(aheadMs(heard).atEnd).toBeLessThan(20);
    expect(heard.filter(({ isSilence }) => !isSilence)).toHaveLength(19);
  });

  it('keeps its timestamps with the time where ticks are skipped', () => {
    const heard = listen([], 9100, { ticksMissed: (tick) => tick >= 100 && tick < 120 });
    expect(aheadMs(heard).atEnd).toBeGreaterThanOrEqual(-80);
    expectNoOverlap(heard);
  });
});
