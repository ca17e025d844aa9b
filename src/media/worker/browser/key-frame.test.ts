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
    ['audio, always', opus, [1], true],
  ])('%s', (_what, codec, payload, expected) => {
    expect(beginsKeyFrame(codec, packet(...payload))).toBe(expected);
  });
});
