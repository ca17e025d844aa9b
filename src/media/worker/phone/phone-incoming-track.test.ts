import { expect, it } from 'vitest';
import { usualUse } from '../../../sdp/phone-codecs.js';
import { phoneCodec } from '../codec/phone-codec.js';
import { RtpPacket } from '../rtp/rtp-packet.js';
import { PhoneIncomingTrack } from './phone-incoming-track.js';

const pcmuPhone = phoneCodec(usualUse('PCMU'));

/** One packet: heard, or left out; of the audio's SSRC or another. */
type Sent = readonly [what: 'audio' | 'event', sequenceNumber: number, ssrc?: number];

/** The numbers under which it is heard by two. */
function heardBy(sent: readonly Sent[]): number[] {
  const track = new PhoneIncomingTrack('p.1', pcmuPhone);
  const heard: number[][] = [[], []];
  for (const numbers of heard)
    track.addSink({ onPacket: ({ sequenceNumber }) => void numbers.push(sequenceNumber) });
  sent.forEach(([what, sequenceNumber, ssrc = 7], index) => {
    const datagram = Buffer.alloc(172);
    RtpPacket.writeHeader(datagram, {
      payloadType: 0,
      marker: false,
      sequenceNumber,
      timestamp: index * 160,
      ssrc,
    });
    const packet = new RtpPacket();
    RtpPacket.parse(datagram, packet);
    if (what === 'event') track.leaveOut(packet, false);
    else track.publish(packet, pcmuPhone, index * 20);
  });
  expect(heard[0]).toEqual(heard[1]);
  return heard[0] ?? [];
}

it.each<[string, readonly Sent[], readonly number[]]>([
  ['in the audio’s own numbers', [['audio', 10], ['event', 11], ['event', 12], ['audio', 13]], [10, 11]], // prettier-ignore
  ['in numbers of their own', [['audio', 10], ['event', 900, 8], ['event', 901, 8], ['audio', 11]], [10, 11]], // prettier-ignore
  ['in both', [['audio', 10], ['event', 11], ['audio', 12], ['event', 900, 8], ['audio', 13]], [10, 11, 12]], // prettier-ignore
  ['in numbers of their own, before any audio', [['event', 900, 8], ['audio', 10], ['event', 901, 8], ['audio', 11]], [10, 11]], // prettier-ignore
  ['in the audio’s own numbers, before any audio', [['event', 9], ['audio', 10], ['audio', 11]], [10, 11]], // prettier-ignore
])('leaves no gap where keys were: %s', (_where, sent, expected) => {
  expect(heardBy(sent)).toEqual(expected);
});
