/** Browsers' connections over real ICE, DTLS and SRTP, against a far end whose every packet the test writes and reads. */
import { createSocket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrowserConnection } from '../../src/media/worker/browser/browser-connection.js';
import { pcmu } from '../../src/media/worker/codec/g711.js';
import {
  compactNtp,
  formatRtcp,
  type RtcpPacket,
  type SenderReport,
} from '../../src/media/worker/rtp/rtcp.js';
import { RtpPacket } from '../../src/media/worker/rtp/rtp-packet.js';
import { direction, label, mid, msids, ssrcs } from '../../src/sdp/attributes.js';
import { parseSessionDescription } from '../../src/sdp/session-description.js';
import { dominantFrequencyHz } from '../../src/media/worker/sound/dominant-frequency.js';
import { Tone } from '../../src/media/worker/sound/tone.js';
import type { PacketSink, SourceStream, SourceTrack } from '../../src/media/worker/source-track.js';
import { FarEnd, type ReceivedRtp } from './far-end.js';
import { LossyRelay } from './lossy-relay.js';
import { ToneSource } from './tone-source.js';

const participantId = '7a1c8d0e-2f4b-4c6d-8e9f-00000000000a';

let leg: BrowserConnection;
let far: FarEnd;
let streams: readonly SourceStream[];
let negotiationsAsked: number;
let connections: number;
const closing: { close(): void }[] = [];

const toneSource = (streamId: string, frequencyHz: number): ToneSource => {
  const source = new ToneSource(streamId, frequencyHz);
  closing.push(source);
  return source;
};

beforeEach(async () => {
  streams = [];
  negotiationsAsked = 0;
  connections = 0;
  leg = new BrowserConnection({
    name: 'leg',
    participantId,
    mayPublish: new Set(['audio', 'video'] as const),
    bindAddress: '127.0.0.1',
    reportIntervalMs: 100,
    cacheOctets: 65_536,
    events: {
      onConnected: () => void connections++,
      onStreams: (now) => (streams = now),
      onKeyDown: () => undefined,
      onDtmf: () => undefined,
      onNegotiationNeeded: () => void negotiationsAsked++,
      onFault: (error: unknown) => {
        throw error;
      },
      onEnded: () => undefined,
    },
  });
  far = await FarEnd.open();
});
afterEach(() => {
  leg.close();
  far.close();
  for (const source of closing.splice(0)) source.close();
});

const pcmuSection = ['m=audio 9 UDP/TLS/RTP/SAVPF 0', 'c=IN IP4 0.0.0.0'];
const vp8Section = [
  'm=video 9 UDP/TLS/RTP/SAVPF 120',
  'c=IN IP4 0.0.0.0',
  'a=rtpmap:120 VP8/90000',
  'a=rtcp-fb:120 nack',
  'a=rtcp-fb:120 nack pli',
  'a=rtcp-fb:120 goog-remb',
];

async function join(...sections: string[][]): Promise<ReturnType<FarEnd['connect']>> {
  const answer = far.connect(await leg.answer(far.describe('actpass', ...sections)));
  await expect.poll(() => far.isConnected && connections).toBe(1);
  return answer;
}

/** What one SSRC sounded like from packet `from` on. */
function heard(packets: readonly ReceivedRtp[], ssrc: number): number {
  const pcm = new Int16Array(50 * 160);
  const all = Buffer.concat(packets.filter((p) => p.ssrc === ssrc).map((p) => p.payload));
  pcmu.decode(all, Math.max(0, all.length - pcm.length), Math.min(all.length, pcm.length), pcm);
  return Math.round(dominantFrequencyHz(pcm, 8000) ?? 0);
}

const packetsOf = (ssrc: number): ReceivedRtp[] => far.rtp.filter((p) => p.ssrc === ssrc);

describe('a browser leg', () => {
  it("forwards a tone in the far end's own section, bit by bit and with unbroken numbers", async () => {
    const tone = toneSource('p.1', 440);
    leg.receive([tone.stream]);
    const answer = await join([...pcmuSection, 'a=mid:0', 'a=sendrecv']);
    const [ssrc = 0] = ssrcs(answer.media[0]!);
    await expect.poll(() => packetsOf(ssrc).length).toBeGreaterThan(55);
    expect(Math.abs(heard(far.rtp, ssrc) - 440)).toBeLessThan(10);
    packetsOf(ssrc).forEach((packet, i, all) => {
      expect(packet.payloadType).toBe(0);
      if (i === 0) return;
      expect((packet.sequenceNumber - all[i - 1]!.sequenceNumber) & 0xffff).toBe(1);
      expect((packet.timestamp - all[i - 1]!.timestamp) >>> 0).toBe(160);
    });
    const report = far.rtcp.find((p) => p.type === 'sender-report');
    expect(report).toMatchObject({ ssrc });
  });

  it('knows how good its audio is: what it lost, and what the browser reports that it lost', async () => {
    leg.receive([toneSource('p.1', 440).stream]);
    const answer = await join([...pcmuSection, 'a=mid:0', 'a=sendrecv', 'a=ssrc:11 cname:x']);
    const [ssrc = 0] = ssrcs(answer.media[0]!);
    for (let n = 0; n < 60; n++) if (n % 6 !== 3) far.sendRtp(11, 0, n, n * 160, Buffer.alloc(160));
    await expect.poll(() => leg.statistics().packetsReceived).toBe(50);
    const ours = () => far.rtcp.findLast((p) => p.type === 'sender-report' && p.ssrc === ssrc);
    await expect.poll(ours).toBeDefined();
    const { ntpSeconds, ntpFraction } = ours() as SenderReport;
    const block = {
      ...{ ssrc, fractionLost: 128, packetsLost: 9, highestSequence: 70_000, jitter: 80 },
      lastSenderReport: compactNtp(ntpSeconds, ntpFraction),
      delaySinceLastSenderReport: 0,
    };
    far.send(formatRtcp([{ type: 'receiver-report', ssrc: 1, reports: [block] }]));
    await expect
      .poll(() => leg.statistics().audio)
      .toMatchObject({
        received: { packets: 50, packetsLost: 10, lossPercent: expect.closeTo(16.67, 1) as number },
        sent: { lossPercent: 50, jitterMs: 10 },
        roundTripMs: expect.toSatisfy((ms: number) => ms >= 0 && ms < 10_000) as number,
        oneWay: null,
      });
  });

  it('publishes what comes in, under the label and told apart by SSRC', async () => {
    await join(
      [...pcmuSection, 'a=mid:0', 'a=sendonly', 'a=msid:one t', 'a=label:left', 'a=ssrc:11 cname:x'],
      [...pcmuSection, 'a=mid:1', 'a=sendonly', 'a=msid:two t', 'a=label:right', 'a=ssrc:22 cname:x'],
    );
    expect(streams.map((s) => [s.alias, s.streamId.startsWith(`${participantId}.`)])).toEqual([
      ['left', true],
      ['right', true],
    ]);
    const collected = streams.map((stream) => {
      const octets: Buffer[] = [];
      stream.audio?.addSink({ onPacket: (p) => void octets.push(Buffer.from(p.payload)) });
      return octets;
    });
    const tones = [new Tone(300), new Tone(700)];
    const pcm = new Int16Array(160);
    for (let n = 0; n < 30; n++) {
      tones.forEach((tone, i) => {
        const payload = Buffer.alloc(160);
        pcmu.encode(tone.fill(pcm), payload, 0);
        far.sendRtp(i === 0 ? 11 : 22, 0, n, n * 160, payload);
      });
    }
    await expect.poll(() => collected.map((c) => c.length)).toEqual([30, 30]);
    const frequencies = collected.map((octets) => {
      const into = new Int16Array(30 * 160);
      pcmu.decode(Buffer.concat(octets), 0, 30 * 160, into);
      return Math.round((dominantFrequencyHz(into, 8000) ?? 0) / 10) * 10;
    });
    expect(frequencies).toEqual([300, 700]);
    expect(leg.statistics()).toMatchObject({ packetsReceived: 60, packetsLost: 0 });
    await expect
      .poll(() => far.rtcp.flatMap((p) => (p.type === 'receiver-report' ? p.reports.map((r) => r.ssrc) : [])))
      .toEqual(expect.arrayContaining([11, 22]));
  });

  it('hands a voice on without gaps where its keys were, and counts none of them as lost', async () => {
    const section = [
      'm=audio 9 UDP/TLS/RTP/SAVPF 0 101',
      'c=IN IP4 0.0.0.0',
      'a=rtpmap:101 telephone-event/8000',
    ];
    await join([...section, 'a=mid:0', 'a=sendonly', 'a=msid:one t', 'a=label:left', 'a=ssrc:11 cname:x']);
    const numbers: number[] = [];
    streams[0]!.audio!.addSink({ onPacket: (packet) => void numbers.push(packet.sequenceNumber) });
    for (let n = 0; n < 20; n++) {
      const isKey = n >= 5 && n < 12;
      const payload = isKey ? Buffer.from([1, n > 8 ? 0x8a : 0x0a, 0, 160]) : Buffer.alloc(160, 0x55);
      far.sendRtp(11, isKey ? 101 : 0, n, n * 160, payload);
    }
    await expect.poll(() => numbers.length).toBe(13);
    numbers.forEach((number, i) => expect(number - numbers[0]!).toBe(i));
    expect(leg.statistics()).toMatchObject({ packetsReceived: 20, packetsLost: 0 });
  });

  it('follows a far end that changes to another negotiated codec, as a new track of the same stream', async () => {
    const both = ['m=audio 9 UDP/TLS/RTP/SAVPF 0 8', 'c=IN IP4 0.0.0.0'];
    await join([...both, 'a=mid:0', 'a=sendrecv', 'a=msid:one t', 'a=ssrc:11 cname:x']);
    const [before] = streams;
    expect(before?.audio?.codec.name).toBe('PCMU');
    far.sendRtp(11, 8, 1, 1, Buffer.alloc(160));
    await expect.poll(() => streams[0]?.audio?.codec.name).toBe('PCMA');
    expect(streams[0]?.streamId).toBe(before?.streamId);
  });

  it('drops and counts what belongs to no section, and survives any octets', async () => {
    await join([...pcmuSection, 'a=mid:0', 'a=sendonly', 'a=ssrc:11 cname:x']);
    far.sendRtp(99, 0, 1, 1, Buffer.alloc(160));
    far.sendRtp(11, 96, 1, 1, Buffer.alloc(160));
    for (let n = 0; n < 50; n++) {
      const junk = Buffer.alloc(12 + n, n * 37);
      junk[0] = 0x80 | (n & 0x3f);
      junk[1] = n % 2 === 0 ? 200 + (n % 8) : 0;
      if (n % 2 === 0) junk.writeUInt16BE(n % 5, 2);
      far.send(junk);
    }
    await expect.poll(() => leg.statistics().packetsFromStrangers).toBeGreaterThan(10);
    expect(leg.statistics().packetsReceived).toBeLessThanOrEqual(1);
  });

  it('asks for one offer per change, adds the stream by it, and silences a removed one before any', async () => {
    await join([...pcmuSection, 'a=mid:0', 'a=recvonly']);
    const [one, two] = [toneSource('p.1', 440), toneSource('p.2', 600)];
    leg.receive([one.stream]);
    leg.receive([one.stream, two.stream]);
    await expect.poll(() => negotiationsAsked).toBe(1);
    const offer = parseSessionDescription(await leg.offer());
    expect(offer.media.map((m) => [mid(m), direction(m), msids(m)[0]?.streamId, label(m)])).toEqual([
      ['0', 'sendonly', 'p.1', 'microphone'],
      ['g0', 'sendonly', 'p.2', 'microphone'],
    ]);
    await expect(leg.offer()).rejects.toThrow('outstanding');
    expect([one.sinkCount, two.sinkCount]).toEqual([0, 0]);
    await leg.accept(
      far.describe(
        'passive',
        [...pcmuSection, 'a=mid:0', 'a=recvonly'],
        [...pcmuSection, 'a=mid:g0', 'a=recvonly'],
      ),
    );
    const [first = 0, second = 0] = offer.media.flatMap((m) => ssrcs(m));
    await expect.poll(() => packetsOf(second).length).toBeGreaterThan(50);
    expect(Math.abs(heard(far.rtp, first) - 440)).toBeLessThan(10);
    expect(Math.abs(heard(far.rtp, second) - 600)).toBeLessThan(10);

    leg.receive([two.stream]);
    expect([one.sinkCount, two.sinkCount]).toEqual([0, 1]);
    await expect.poll(() => negotiationsAsked).toBe(2);
    const ending = parseSessionDescription(await leg.offer());
    expect(ending.media.map((m) => direction(m))).toEqual(['inactive', 'sendonly']);
    leg.rollback();
    await expect.poll(() => negotiationsAsked).toBe(3);
    expect(two.sinkCount).toBe(1);
    expect(leg.statistics().packetsFromStrangers).toBe(0);
  });

  it('answers a new offer while its own is out, and forgets its own', async () => {
    await join([...pcmuSection, 'a=mid:0', 'a=recvonly']);
    const one = toneSource('p.1', 440);
    leg.receive([one.stream]);
    await leg.offer();
    const answer = parseSessionDescription(
      await leg.answer(
        far.describe(
          'actpass',
          [...pcmuSection, 'a=mid:0', 'a=recvonly'],
          [...pcmuSection, 'a=mid:1', 'a=sendonly'],
        ),
      ),
    );
    expect(answer.media.map((m) => direction(m))).toEqual(['sendonly', 'recvonly']);
    await expect(leg.accept('v=0\r\n')).rejects.toThrow('no offer is outstanding');
  });

  it('leaves everything as it was when a re-offer is refused', async () => {
    await join([...pcmuSection, 'a=mid:0', 'a=sendonly', 'a=label:left']);
    const before = streams;
    await expect(
      leg.answer(far.describe('actpass', [...vp8Section, 'a=mid:0', 'a=sendonly'])),
    ).rejects.toMatchObject({
      code: 'bad-sdp',
    });
    expect(streams).toBe(before);
  });

  it('lets the far end stop everything and begin again over the same transport', async () => {
    await join([...pcmuSection, 'a=mid:0', 'a=sendonly', 'a=label:left']);
    const stopped = [
      'v=0',
      'o=- 7 9 IN IP4 127.0.0.1',
      's=-',
      't=0 0',
      'm=audio 0 UDP/TLS/RTP/SAVPF 0',
      'a=inactive',
      '',
    ];
    const answer = parseSessionDescription(await leg.answer(stopped.join('\r\n')));
    expect(answer.media.map((m) => m.port)).toEqual([0]);
    expect(streams).toEqual([]);
    await leg.answer(
      far.describe('actpass', [...pcmuSection, 'a=mid:1', 'a=sendonly', 'a=label:left', 'a=ssrc:5 cname:x']),
    );
    far.sendRtp(5, 0, 1, 1, Buffer.alloc(160));
    await expect.poll(() => leg.statistics().packetsReceived).toBe(1);
  });

  it.each([
    ['a fingerprint that is none', (text: string) => text.replace(/sha-256 [0-9A-F:]+/, 'sha-256 AB:CD')],
    ['an unknown hash', (text: string) => text.replace('sha-256', 'md6')],
    ['a DTLS role that connects nothing', (text: string) => text.replace('actpass', 'holdconn')],
    ['no ICE password', (text: string) => text.replace(/a=ice-pwd:.*\r\n/, '')],
  ])('refuses %s', async (_what, change) => {
    const offer = change(far.describe('actpass', [...pcmuSection, 'a=mid:0', 'a=sendrecv']));
    await expect(leg.answer(offer)).rejects.toMatchObject({ name: 'SdpRefusal', code: 'bad-sdp' });
  });

  it('refuses as overloaded when no port is left', async () => {
    const taken = createSocket('udp4');
    await new Promise<void>((resolve) => taken.bind(0, '127.0.0.1', resolve));
    closing.push(taken);
    const { port } = taken.address();
    const crowded = new BrowserConnection({
      name: 'crowded',
      participantId,
      mayPublish: new Set(),
      bindAddress: '127.0.0.1',
      ports: { from: port, to: port },
      events: {
        onConnected: () => undefined,
        onStreams: () => undefined,
        onKeyDown: () => undefined,
        onDtmf: () => undefined,
        onNegotiationNeeded: () => undefined,
        onFault: (error: unknown) => {
          throw error;
        },
        onEnded: () => undefined,
      },
    });
    closing.push(crowded);
    await expect(
      crowded.answer(far.describe('actpass', [...pcmuSection, 'a=mid:0', 'a=sendrecv'])),
    ).rejects.toMatchObject({ code: 'overloaded' });
  });

  it('leaves every source when it is closed, twice', async () => {
    const one = toneSource('p.1', 440);
    leg.receive([one.stream]);
    await join([...pcmuSection, 'a=mid:0', 'a=sendrecv']);
    expect(one.sinkCount).toBe(1);
    leg.close();
    leg.close();
    expect(one.sinkCount).toBe(0);
    await expect(leg.offer()).rejects.toMatchObject({ code: 'overloaded' });
  });
});

/** A VP8 track without a leg, which sends when it is told. */
class PictureSource implements SourceTrack {
  readonly streamId = 'p.1';
  readonly kind = 'video';
  readonly codec = { name: 'VP8', clockRateHz: 90_000, channels: 1 } as const;
  readonly stream: SourceStream = { streamId: 'p.1', alias: 'camera', audio: null, video: this };
  keyFramesAsked = 0;
  #sinks: PacketSink[] = [];

  addSink(sink: PacketSink): void {
    this.#sinks.push(sink);
  }
  removeSink(sink: PacketSink): void {
    this.#sinks = this.#sinks.filter((s) => s !== sink);
  }
  requestKeyFrame(): void {
    this.keyFramesAsked++;
  }
  send(sequenceNumber: number, isKeyFrame: boolean): void {
    const buffer = Buffer.alloc(12 + 1000, sequenceNumber & 0xff);
    RtpPacket.writeHeader(buffer, {
      payloadType: 99,
      marker: true,
      sequenceNumber,
      timestamp: sequenceNumber * 3000,
      ssrc: 5,
    });
    buffer[12] = 0x10; // payload descriptor: a frame begins
    buffer[13] = isKeyFrame ? 0 : 1;
    const packet = new RtpPacket();
    RtpPacket.parse(buffer, packet);
    for (const sink of this.#sinks) sink.onPacket(packet, performance.now());
  }
}

describe('video through a browser leg', () => {
  const rtcp = (...packets: RtcpPacket[]): boolean => far.send(formatRtcp(packets));

  it('begins at a key frame, is sent again on NACK, and asks the publisher for a key frame on PLI', async () => {
    const picture = new PictureSource();
    leg.receive([picture.stream]);
    const text = await leg.answer(far.describe('actpass', [...vp8Section, 'a=mid:0', 'a=recvonly']));
    const answer = parseSessionDescription(text);
    const relay = await LossyRelay.open(answer.media[0]!.port);
    closing.push(relay);
    far.connect(text.replaceAll(` ${answer.media[0]!.port} `, ` ${relay.port} `));
    await expect.poll(() => far.isConnected && connections).toBe(1);
    const [ssrc = 0] = ssrcs(answer.media[0]!);
    expect(picture.keyFramesAsked).toBe(1);
    picture.send(100, false);
    let count = 0;
    // The fourth and fifth packet are lost, each a datagram of more than 1000 octets.
    relay.loses = (octets) => octets > 1000 && [4, 5].includes(++count);
    for (let n = 101; n <= 110; n++) picture.send(n, n === 101);
    await expect.poll(() => packetsOf(ssrc).length).toBe(8);
    const [first, ...others] = packetsOf(ssrc).map((p) => p.sequenceNumber);
    expect(others.map((n) => (n - first!) & 0xffff)).toEqual([1, 2, 5, 6, 7, 8, 9]);
    expect(packetsOf(ssrc)[0]?.payload[1]).toBe(0);
    expect(packetsOf(ssrc).every((p) => p.payloadType === 120)).toBe(true);

    // What was sent just now is not sent again: that NACK would be for something still on its way.
    const missing = [(first! + 3) & 0xffff, (first! + 4) & 0xffff];
    await expect
      .poll(() => {
        rtcp({ type: 'nack', senderSsrc: 1, mediaSsrc: ssrc, sequenceNumbers: missing });
        return packetsOf(ssrc).length;
      })
      .toBe(10);
    expect(packetsOf(ssrc).slice(8)).toMatchObject(
      [104, 105].map((n, i) => ({
        sequenceNumber: missing[i],
        payload: expect.toSatisfy((p: Buffer) => p[5] === n) as Buffer,
      })),
    );

    const asked = picture.keyFramesAsked;
    rtcp({ type: 'pli', senderSsrc: 1, mediaSsrc: ssrc });
    await expect.poll(() => picture.keyFramesAsked).toBe(asked + 1);
    rtcp({ type: 'fir', senderSsrc: 1, entries: [{ ssrc, commandSequence: 1 }] });
    await expect.poll(() => picture.keyFramesAsked).toBe(asked + 2);
    expect(packetsOf(ssrc)).toHaveLength(10);
  });

  it('asks a publisher for what is missing and for key frames, not too often, and holds its bitrate', async () => {
    await join([...vp8Section, 'a=mid:0', 'a=sendonly', 'a=ssrc:33 cname:x']);
    const track = streams[0]?.video;
    track?.addSink({ onPacket: () => undefined });
    for (const n of [1, 2, 5, 6]) far.sendRtp(33, 120, n, 0, Buffer.from([0x10, 0, 0]));
    const nacked = (): number[] => far.rtcp.flatMap((p) => (p.type === 'nack' ? p.sequenceNumbers : []));
    await expect.poll(nacked).toEqual(expect.arrayContaining([3, 4]));
    far.sendRtp(33, 120, 3, 0, Buffer.from([0x10, 0, 0]));
    far.sendRtp(33, 120, 4, 0, Buffer.from([0x10, 0, 0]));
    await expect.poll(() => leg.statistics().packetsLost).toBe(0);

    for (let n = 0; n < 20; n++) track?.requestKeyFrame();
    const plis = (): number => far.rtcp.filter((p) => p.type === 'pli' && p.mediaSsrc === 33).length;
    // One when the first packet came to a waiting sink, one for all requests since.
    await expect.poll(plis).toBe(2);
    await expect
      .poll(() => far.rtcp.find((p) => p.type === 'remb'))
      .toMatchObject({ ssrcs: [33], bitrateBps: expect.closeTo(2_500_000, -4) as number });
    expect(plis()).toBe(2);
  });

  it("passes the publisher's clock on, so that audio and video stay together", async () => {
    const picture = new PictureSource();
    const clock = { unixMs: 1_700_000_000_000, rtpTimestamp: 101 * 3000, arrivalMs: performance.now() };
    Object.assign(picture, { senderClock: clock });
    leg.receive([picture.stream]);
    const answer = await join([...vp8Section, 'a=mid:0', 'a=recvonly']);
    const [ssrc = 0] = ssrcs(answer.media[0]!);
    picture.send(101, true);
    await expect.poll(() => far.rtcp.some((p) => p.type === 'sender-report')).toBe(true);
    const report = far.rtcp.find((p) => p.type === 'sender-report');
    const sinceClockMs =
      ((report?.ntpSeconds ?? 0) - 2_208_988_800 + (report?.ntpFraction ?? 0) / 2 ** 32) * 1000 -
      clock.unixMs;
    const sinceFirst = ((report?.rtpTimestamp ?? 0) - packetsOf(ssrc)[0]!.timestamp) / 90;
    expect(Math.abs(sinceClockMs - sinceFirst)).toBeLessThan(1);
  });
});
