/** Browser legs against Chromium: who hears and sees whom, over every kind of renegotiation. */
import type { Server } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.js';
import { pcmu } from '../../src/media/worker/codec/g711.js';
import { phoneCodec } from '../../src/media/worker/codec/phone-codec.js';
import { PhoneIncomingTrack } from '../../src/media/worker/phone/phone-incoming-track.js';
import { RtpPacket, rtpHeaderLength } from '../../src/media/worker/rtp/rtp-packet.js';
import { Tone } from '../../src/media/worker/sound/tone.js';
import { type HeardStream, LegPeer, Room, startBlankOrigin } from './leg-peer.js';
import { usualUse } from '../../src/sdp/phone-codecs.js';
import { ToneSource } from '../integration/tone-source.js';

const pcmuPhone = phoneCodec(usualUse('PCMU'));

const alice = '7a1c8d0e-2f4b-4c6d-8e9f-00000000000a';
const bob = '7a1c8d0e-2f4b-4c6d-8e9f-00000000000b';

let browser: Browser;
let server: Server;
let origin: string;
let room: Room;

beforeAll(async () => {
  browser = await launchChromium();
  ({ server, origin } = await startBlankOrigin());
});
afterAll(async () => {
  await browser.close();
  server.close();
});

beforeEach(() => {
  room = new Room();
});
afterEach(async () => {
  for (const peer of room.peers) await peer.close();
});

const open = (participantId: string): Promise<LegPeer> => LegPeer.open(browser, origin, participantId, room);

/** A phone's stream of 20 ms packets that come by four every 80 ms. */
class BurstingPhone {
  readonly track: PhoneIncomingTrack;
  readonly #tone = new Tone(660);
  #sequenceNumber = 60_000;
  #timestamp = 1000;
  lastTimestamp = 0;
  sent = 0;

  constructor(streamId: string) {
    this.track = new PhoneIncomingTrack(streamId, pcmuPhone);
  }

  /** Says so many packets, at 660 Hz. */
  async talk(packets: number): Promise<void> {
    const beganMs = performance.now();
    for (let n = 0; n < packets; n++) {
      const packet = this.#packet(160);
      pcmu.encode(this.#tone.fill(new Int16Array(160)), packet.buffer, packet.payloadOffset);
      this.lastTimestamp = this.#timestamp;
      this.#timestamp += 160;
      this.sent++;
      this.track.publish(packet, pcmuPhone, performance.now());
      const waitMs = n % 4 === 3 ? beganMs + (n + 1) * 20 - performance.now() : 0;
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  /** Twelve packets that nobody is to hear. */
  pressKey(): void {
    for (let n = 0; n < 12; n++) this.track.leaveOut(this.#packet(4), false);
    this.#timestamp += 12 * 160;
  }

  #packet(payloadLength: number): RtpPacket {
    const buffer = Buffer.alloc(rtpHeaderLength + payloadLength);
    const sequenceNumber = this.#sequenceNumber++ & 0xffff;
    RtpPacket.writeHeader(buffer, {
      ...{ payloadType: 0, marker: false, sequenceNumber },
      ...{ timestamp: this.#timestamp, ssrc: 4711 },
    });
    const packet = new RtpPacket();
    RtpPacket.parse(buffer, packet);
    return packet;
  }
}

describe('two pages', () => {
  it('hear each other, and what one publishes later or stops publishing is offered to the other', async () => {
    const a = await open(alice);
    const b = await open(bob);
    await a.publishTone(440, 'microphone');
    await a.offer();
    await b.offer();
    await expect.poll(() => [a.connected, b.connected]).toEqual([1, 1]);
    await b.hears('microphone', 440);
    expect((await b.receiving()).map((r) => r.streamId.slice(0, 36))).toEqual([alice]);
    expect(await a.receiving()).toEqual([]);

    await b.publishTone(1000, 'headset');
    await b.offer();
    await a.hears('headset', 1000);
    await b.hears('microphone', 440);

    await b.unpublish('audio');
    await b.offer();
    await expect.poll(() => a.receiving()).toEqual([]);
    expect(b.streams).toEqual([]);
    await b.hears('microphone', 440);
  });

  it('see each other, camera and screen at once', async () => {
    const a = await open(alice);
    const b = await open(bob);
    await a.publishPicture('camera');
    await a.publishPicture('screenShare');
    await a.offer();
    await b.publishPicture('camera');
    await b.offer();
    await b.sees('camera');
    await b.sees('screenShare');
    await a.sees('camera');
    expect(a.streams.map((s) => [s.alias, s.audio !== null, s.video !== null])).toEqual([
      ['camera', false, true],
      ['screenShare', false, true],
    ]);
  });

  it('keep hearing each other over an ICE restart, without a stream ending or starting', async () => {
    const a = await open(alice);
    const b = await open(bob);
    await a.publishTone(440, 'microphone');
    await a.offer();
    await b.offer();
    await b.hears('microphone', 440);
    const [before] = a.streams;
    await a.offer(true);
    await b.offer(true);
    expect(a.streams[0]).toBe(before);
    const received = a.leg.statistics().packetsReceived;
    await expect
      .poll(() => a.leg.statistics().packetsReceived, { timeout: 5000 })
      .toBeGreaterThan(received + 100);
    for (const peer of [a, b]) {
      const { selected, offered } = await peer.transportPorts();
      expect(selected).toBe(offered);
    }
    const played = await b.audioPlayedS();
    await expect.poll(() => b.audioPlayedS(), { timeout: 5000 }).toBeGreaterThan(played + 1);
    await b.hears('microphone', 440);
    expect([a.connected, b.connected, a.ended, b.ended]).toEqual([1, 1, null, null]);
  });

  it('stop hearing at once what is no longer routed, and hear it again afterwards', async () => {
    const a = await open(alice);
    const b = await open(bob);
    await a.publishTone(440, 'microphone');
    await a.offer();
    await b.offer();
    await b.hears('microphone', 440);
    const { mid } = await b.receives('microphone', 'audio');
    const streamId = a.streams[0]?.streamId ?? '';

    b.muted.add(streamId);
    room.route();
    const sent = b.leg.statistics().packetsSent;
    await expect.poll(() => b.receiving()).toEqual([]);
    expect(b.leg.statistics().packetsSent).toBe(sent);

    b.muted.delete(streamId);
    room.route();
    await b.hears('microphone', 440);
    expect((await b.receives('microphone', 'audio')).mid).toBe(mid);
  });

  it('do not make the description grow over joins and leaves', async () => {
    const b = await open(bob);
    await b.offer();
    for (let n = 0; n < 3; n++) {
      const a = await open(`7a1c8d0e-2f4b-4c6d-8e9f-00000000001${n}`);
      await a.publishTone(440 + 110 * n, `tone${n}`);
      await a.publishPicture(`picture${n}`);
      await a.offer();
      await b.hears(`tone${n}`, 440 + 110 * n);
      await b.sees(`picture${n}`);
      room.peers.splice(room.peers.indexOf(a), 1);
      room.route();
      await a.close();
      await expect.poll(() => b.receiving()).toEqual([]);
    }
    expect((await b.sections()).sort()).toEqual(['audio', 'video']);
  });

  it('hear a phone whose G.711 goes through untouched', async () => {
    const b = await open(bob);
    await b.offer();
    const phone = new ToneSource(`${alice}.1`, 880);
    try {
      room.extra.push(phone.stream);
      room.route();
      await b.hears('microphone', 880);
    } finally {
      phone.close();
    }
  });

  it('hear a phone that sends in bursts and presses keys at its own time, and miss no packet', async () => {
    const b = await open(bob);
    await b.offer();
    const phone = new BurstingPhone(`${alice}.1`);
    room.extra.push({ streamId: `${alice}.1`, alias: 'microphone', audio: phone.track, video: null });
    room.route();
    const { mid } = await b.receives('microphone', 'audio');
    await Promise.all([phone.talk(150), b.hears('microphone', 660)]);
    /** Once all that was sent has been played: how many came, and when the last began. */
    const played = async (): Promise<HeardStream> => {
      let last: HeardStream = { packetsReceived: 0, packetsLost: 0, rtpTimestamp: 0 };
      await expect
        .poll(
          async () => {
            const before = last;
            last = await b.heardStream(mid);
            return last.rtpTimestamp !== 0 && last.rtpTimestamp === before.rtpTimestamp;
          },
          { interval: 500, timeout: 10_000 },
        )
        .toBe(true);
      return last;
    };
    const before = await played();
    const [sentBefore, timestampBefore] = [phone.sent, phone.lastTimestamp];
    await phone.talk(60);
    phone.pressKey();
    await phone.talk(60);
    phone.pressKey();
    await phone.talk(60);
    const after = await played();
    expect(after.packetsLost).toBe(0);
    expect(after.packetsReceived - before.packetsReceived).toBe(phone.sent - sentBefore);
    // 8000 ± 160 a second in 4 s: what the jitter buffer drew together at the end of a talk may be a packet off.
    const heard = (after.rtpTimestamp - before.rtpTimestamp) >>> 0;
    expect(Math.abs(heard - (phone.lastTimestamp - timestampBefore))).toBeLessThanOrEqual(4 * 160);
  });

  it('publish nothing that may not be published', async () => {
    const a = await open(alice);
    const b = await open(bob);
    a.leg.setMayPublish(new Set(['video'] as const));
    await a.publishTone(440, 'microphone');
    await a.offer();
    await b.offer();
    await expect.poll(() => a.leg.statistics().packetsReceived).toBeGreaterThan(20);
    expect(a.streams).toEqual([]);
    a.leg.setMayPublish(new Set(['audio'] as const));
    await b.hears('microphone', 440);
    a.leg.setMayPublish(new Set());
    await expect.poll(() => b.receiving()).toEqual([]);
  });

  it('end with ice-failed when the page closed its connection and signalling says nothing', async () => {
    const a = await open(alice);
    await a.offer();
    await expect.poll(() => a.connected).toBe(1);
    await a.closeConnection();
    await expect.poll(() => a.ended, { timeout: 10_000 }).toBe('ice-failed');
  });
});
