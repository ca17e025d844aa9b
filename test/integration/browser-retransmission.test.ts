/** What is lost between a browser and its leg, and is sent again on a source of its own (RFC 4588). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrowserConnection } from '../../src/media/worker/browser/browser-connection.js';
import { formatRtcp } from '../../src/media/worker/rtp/rtcp.js';
import { RtpPacket } from '../../src/media/worker/rtp/rtp-packet.js';
import type { PacketSink, SourceStream, SourceTrack } from '../../src/media/worker/source-track.js';
import { attributeValues, ssrcGroups } from '../../src/sdp/attributes.js';
import { FarEnd } from './far-end.js';

const section = [
  'm=video 9 UDP/TLS/RTP/SAVPF 120 121',
  'c=IN IP4 0.0.0.0',
  'a=mid:0',
  'a=rtpmap:120 VP8/90000',
  'a=rtpmap:121 rtx/90000',
  'a=fmtp:121 apt=120',
  'a=rtcp-fb:120 nack',
];

let leg: BrowserConnection;
let far: FarEnd;
let streams: readonly SourceStream[];

beforeEach(async () => {
  streams = [];
  leg = new BrowserConnection({
    name: 'leg',
    participantId: 'p',
    mayPublish: new Set(['video'] as const),
    bindAddress: '127.0.0.1',
    reportIntervalMs: 100,
    events: {
      onConnected: () => undefined,
      onStreams: (now) => (streams = now),
      onKeyDown: () => undefined,
      onDtmf: () => undefined,
      onNegotiationNeeded: () => undefined,
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
});

async function join(...lines: string[]): Promise<ReturnType<FarEnd['connect']>> {
  const answer = far.connect(await leg.answer(far.describe('actpass', [...section, ...lines])));
  await expect.poll(() => far.isConnected).toBe(true);
  return answer;
}

/** A packet of a key frame. */
function picturePacket(sequenceNumber: number): RtpPacket {
  const buffer = Buffer.concat([Buffer.alloc(12), Buffer.from([0x10, 0, sequenceNumber])]);
  RtpPacket.writeHeader(buffer, {
    ...{ payloadType: 96, marker: true, sequenceNumber, timestamp: sequenceNumber * 3000, ssrc: 5 },
  });
  const packet = new RtpPacket();
  RtpPacket.parse(buffer, packet);
  return packet;
}

describe('what a browser missed', () => {
  it('is sent again on the source that the description names beside the first', async () => {
    let sink: PacketSink | null = null;
    const video: SourceTrack = {
      ...{ streamId: 'p.1', kind: 'video', codec: { name: 'VP8', clockRateHz: 90_000, channels: 1 } },
      addSink: (added) => (sink = added),
      removeSink: () => undefined,
      requestKeyFrame: () => undefined,
    };
    leg.receive([{ streamId: 'p.1', alias: 'camera', audio: null, video }]);
    const answer = await join('a=recvonly');
    expect(answer.media[0]?.formats).toEqual(['120', '121']);
    expect(attributeValues(answer.media[0]!, 'fmtp')).toContain('121 apt=120');
    const [{ semantics, ssrcs: [ssrc = 0, rtxSsrc = 0] } = { semantics: '', ssrcs: [] }] = ssrcGroups(
      answer.media[0]!,
    );
    expect(semantics).toBe('FID');
    for (const n of [1, 2, 3]) sink!.onPacket(picturePacket(n), performance.now());
    await expect.poll(() => far.rtp.length).toBe(3);
    const missed = far.rtp[1]!;
    const again = () => far.rtp.filter((packet) => packet.ssrc === rtxSsrc);
    const nack = (): void => {
      far.send(
        formatRtcp([
          { type: 'nack', senderSsrc: 1, mediaSsrc: ssrc, sequenceNumbers: [missed.sequenceNumber] },
        ]),
      );
    };
    for (const count of [1, 2]) {
      await expect
        .poll(() => {
          nack();
          return again().length;
        })
        .toBeGreaterThanOrEqual(count);
    }
    const [first, second] = again();
    const original = Buffer.alloc(2);
    original.writeUInt16BE(missed.sequenceNumber);
    expect(first).toMatchObject({ payloadType: 121, timestamp: missed.timestamp, marker: missed.marker });
    expect(first?.payload).toEqual(Buffer.concat([original, missed.payload]));
    expect(((second?.sequenceNumber ?? 0) - (first?.sequenceNumber ?? 0)) & 0xffff).toBe(1);
    expect(far.rtp.filter((packet) => packet.ssrc === ssrc)).toHaveLength(3);
  });
});

describe('what a leg missed of a browser', () => {
  const retransmission = (sequenceNumber: number): Buffer =>
    Buffer.from([0, sequenceNumber, 0x10, 0, sequenceNumber]);

  it.each([
    ['announced with its source', ['a=ssrc-group:FID 33 34', 'a=ssrc:33 cname:x', 'a=ssrc:34 cname:x']],
    ['announced nowhere', []],
  ])('is heard where it comes again, %s, and stays lost in the reports', async (_, lines) => {
    await join('a=sendonly', ...lines);
    const heard: number[] = [];
    streams[0]?.video?.addSink({
      onPacket: (packet) => {
        expect(packet).toMatchObject({ payloadType: 120, ssrc: 33, timestamp: 9000 });
        expect(packet.payload).toEqual(Buffer.from([0x10, 0, packet.sequenceNumber]));
        heard.push(packet.sequenceNumber);
      },
    });
    const send = (n: number): void => far.sendRtp(33, 120, n, 9000, Buffer.from([0x10, 0, n]));
    for (const n of [1, 2, 5]) send(n);
    const asked = (): Set<number> =>
      new Set(far.rtcp.flatMap((packet) => (packet.type === 'nack' ? packet.sequenceNumbers : [])));
    await expect.poll(asked).toEqual(new Set([3, 4]));
    far.sendRtp(34, 121, 7, 9000, retransmission(3));
    far.sendRtp(34, 121, 8, 9000, retransmission(4));
    // Twice, and a probe: neither is a packet of the picture.
    far.sendRtp(34, 121, 9, 9000, retransmission(4));
    far.sendRtp(34, 121, 10, 9000, Buffer.alloc(0));
    send(6);
    await expect.poll(() => heard).toEqual([1, 2, 5, 3, 4, 6]);
    expect(leg.statistics().packetsLost).toBe(2);
    const before = far.rtcp.length;
    await expect.poll(() => far.rtcp.slice(before).some(({ type }) => type === 'receiver-report')).toBe(true);
    expect(far.rtcp.slice(before).filter(({ type }) => type === 'nack')).toEqual([]);
  });
});
