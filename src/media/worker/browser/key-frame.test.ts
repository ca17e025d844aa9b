import { describe, expect, it } from 'vitest';
import { RtpPacket } from '../rtp/rtp-packet.js';
import { beginsKeyFrame } from './key-frame.js';

const packet = (...payload: number[]): RtpPacket => {
  const into = new RtpPacket();
  const buffer = Buffer.concat([Buffer.alloc(12), Buffer.from(payload)]);
  RtpPacket.writeHeader(buffer, { payloadType: 96, marker: false, sequenceNumber: 0, timestamp: 0, ssrc: 0 });
  RtpPacket.parse(buffer, into);
  return into;
};
const vp8 = { name: 'VP8', clockRateHz: 90_000, channels: 1 } as const;
const h264 = { name: 'H264', clockRateHz: 90_000, channels: 1 } as const;
const vp9 = { name: 'VP9', clockRateHz: 90_000, channels: 1 } as const;
const av1 = { name: 'AV1', clockRateHz: 90_000, channels: 1 } as const;
const opus = { name: 'opus', clockRateHz: 48_000, channels: 2 } as const;

describe('the begin of a key frame', () => {
  it.each([
    ['VP8, plain descriptor', vp8, [0x10, 0x00], true],
    ['VP8, inter frame', vp8, [0x10, 0x01], false],
    ['VP8, not the start of the partition', vp8, [0x00, 0x00], false],
    ['VP8, another partition', vp8, [0x11, 0x00], false],
    ['VP8, 7-bit picture id', vp8, [0x90, 0x80, 0x05, 0x00], true],
    ['VP8, 15-bit picture id', vp8, [0x90, 0x80, 0x85, 0x01, 0x00], true],
    ['VP8, picture id, TL0PICIDX, TID', vp8, [0x90, 0xe0, 0x85, 0x01, 0x07, 0x20, 0x00], true],
    ['VP8, the same, inter frame', vp8, [0x90, 0xe0, 0x85, 0x01, 0x07, 0x20, 0x01], false],
    ['VP8, cut', vp8, [0x90, 0x80, 0x85], false],
    ['VP8, empty', vp8, [], false],
    ['H.264, parameter set', h264, [0x67, 0x42], true],
    ['H.264, IDR slice', h264, [0x65, 0x88], true],
    ['H.264, other slice', h264, [0x61, 0x88], false],
    ['H.264, STAP-A with a parameter set', h264, [0x78, 0, 2, 0x67, 0x42], true],
    ['H.264, begin of a fragmented IDR slice', h264, [0x7c, 0x85], true],
    ['H.264, middle of one', h264, [0x7c, 0x05], false],
    ['H.264, empty', h264, [], false],
    ['VP9, no picture id, no layers', vp9, [0x08, 0x49], true],
    ['VP9, 15-bit picture id, scalability structure', vp9, [0x8a, 0x81, 0x02, 0x00, 0x49], true],
    ['VP9, inter frame', vp9, [0x48, 0x49], false],
    ['VP9, not the first packet of the frame', vp9, [0x80, 0x05, 0x49], false],
    ['VP9, lowest spatial layer', vp9, [0xa8, 0x85, 0x01, 0x10, 0x07, 0x49], true],
    ['VP9, upper spatial layer of a key picture', vp9, [0xa8, 0x85, 0x01, 0x13, 0x07, 0x49], false],
    ['VP9, 7-bit picture id, upper spatial layer', vp9, [0xa8, 0x05, 0x02, 0x07, 0x49], false],
    ['VP9, cut', vp9, [0xa8, 0x85], false],
    ['VP9, empty', vp9, [], false],
    ['AV1, new sequence', av1, [0x18, 0x0a, 0x0b], true],
    ['AV1, inter frame', av1, [0x10, 0x30], false],
    ['AV1, middle of an OBU', av1, [0x98, 0x0a], false],
    ['AV1, nothing behind the header', av1, [0x18], false],
    ['AV1, empty', av1, [], false],
    ['audio, always', opus, [1], true],
  ])('%s', (_what, codec, payload, expected) => {
    expect(beginsKeyFrame(codec, packet(...payload))).toBe(expected);
  });
});
