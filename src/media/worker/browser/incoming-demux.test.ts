import { describe, expect, it } from 'vitest';
import { RtpPacket } from '../rtp/rtp-packet.js';
import type { NegotiatedCodec } from './browser-codecs.js';
import { IncomingDemux, type IncomingSlot } from './incoming-demux.js';
import { IncomingTrack } from './incoming-track.js';

const codec = (payloadType: number): NegotiatedCodec => ({
  payloadType,
  codec: { name: 'opus', clockRateHz: 48_000, channels: 2 },
  rtxPayloadType: payloadType + 1,
  feedback: [],
});

const slot = (index: number, ssrcs: number[], payloadTypes: number[], midExtensionId = 0): IncomingSlot => ({
  index,
  mid: `m${index}`,
  midExtensionId,
  transportSequenceId: 0,
  ssrcs,
  repairs: new Map(ssrcs.map((ssrc) => [ssrc + 1, ssrc])),
  codecs: payloadTypes.map(codec),
  telephoneEvents: [],
  dtmf: null,
  codecChangedMs: 0,
  track: new IncomingTrack({
    streamId: `p.${index}`,
    kind: 'audio',
    negotiated: codec(payloadTypes[0] ?? 0),
    now: () => 0,
    sendPli: () => undefined,
    later: () => undefined,
  }),
});

/** A packet, with a mid in header extension 4 where one is given. */
function packet(ssrc: number, payloadType: number, mid?: string): RtpPacket {
  const element = mid === undefined ? [] : [(4 << 4) | (mid.length - 1), ...Buffer.from(mid)];
  while (element.length % 4 !== 0) element.push(0);
  const extension = mid === undefined ? [] : [0xbe, 0xde, 0, element.length / 4, ...element];
  const buffer = Buffer.concat([Buffer.alloc(12), Buffer.from(extension), Buffer.alloc(4)]);
  RtpPacket.writeHeader(buffer, { payloadType, marker: false, sequenceNumber: 1, timestamp: 1, ssrc });
  if (mid !== undefined) buffer[0] = 0x90;
  const into = new RtpPacket();
  RtpPacket.parse(buffer, into);
  return into;
}

const demux = (...slots: IncomingSlot[]): IncomingDemux => {
  const made = new IncomingDemux();
  made.replace(slots);
  return made;
};

describe('telling sections apart', () => {
  it('goes by announced SSRC first', () => {
    const both = demux(slot(0, [10], [111], 4), slot(1, [20], [111], 4));
    expect(both.find(packet(20, 111, 'm0'))?.index).toBe(1);
  });

  it('goes by mid for an SSRC that was not announced, and knows the SSRC from then on', () => {
    const both = demux(slot(0, [10], [111], 4), slot(1, [], [111], 4));
    expect(both.find(packet(77, 111, 'm1'))?.index).toBe(1);
    expect(both.find(packet(77, 111))?.index).toBe(1);
    expect(both.bySsrc(77)?.index).toBe(1);
  });

  it('goes by payload type only where one section alone can mean it and announced nothing', () => {
    expect(demux(slot(0, [], [111]), slot(1, [], [96])).find(packet(7, 96))?.index).toBe(1);
    expect(demux(slot(0, [], [111]), slot(1, [], [111])).find(packet(7, 111))).toBeNull();
    expect(demux(slot(0, [10], [111])).find(packet(7, 111))).toBeNull();
  });

  it('remembers a bounded number of SSRCs', () => {
    const one = demux(slot(0, [], [111]));
    for (let ssrc = 1; ssrc <= 1000; ssrc++) expect(one.find(packet(ssrc, 111))?.index).toBe(0);
    expect(one.bySsrc(256)).not.toBeNull();
    expect(one.bySsrc(257)).toBeNull();
  });
});
