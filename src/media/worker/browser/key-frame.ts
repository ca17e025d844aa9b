/** Finds key frames in video packets. */
import type { Codec } from '../codec/codec.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';

/** True when a decoder can begin with this packet. Audio always; video at the first packet of a key frame. */
export function beginsKeyFrame(codec: Codec, packet: RtpPacket): boolean {
  if (codec.name === 'VP8') return beginsVp8KeyFrame(packet);
  if (codec.name === 'H264') return beginsH264KeyFrame(packet);
  if (codec.name === 'VP9') return beginsVp9KeyFrame(packet);
  if (codec.name === 'AV1') return beginsAv1KeyFrame(packet);
  return true;
}

/** RFC 7741 §4.2 and §4.3: start of partition 0 of a frame whose header has the inverse key frame bit clear. */
function beginsVp8KeyFrame({ buffer, payloadOffset, payloadLength }: RtpPacket): boolean {
  const end = payloadOffset + payloadLength;
  let offset = payloadOffset;
  if (offset >= end) return false;
  const first = buffer[offset++]!;
  if ((first & 0x17) !== 0x10) return false; // S set, partition index 0
  if (first & 0x80) {
    if (offset >= end) return false;
    const extension = buffer[offset++]!;
    if (extension & 0x80) offset += offset < end && buffer[offset]! & 0x80 ? 2 : 1;
    if (extension & 0x40) offset++;
    if (extension & 0x30) offset++;
  }
  return offset < end && (buffer[offset]! & 0x01) === 0;
}

/** RFC 6184 §5.4: a sequence parameter set or an IDR slice, by itself, first in a STAP-A, or beginning an FU-A. */
function beginsH264KeyFrame({ buffer, payloadOffset, payloadLength }: RtpPacket): boolean {
  const isKey = (type: number): boolean => type === 7 || type === 5;
  if (payloadLength < 1) return false;
  const type = buffer[payloadOffset]! & 0x1f;
  if (type === 24) return payloadLength > 3 && isKey(buffer[payloadOffset + 3]! & 0x1f);
  if (type === 28) {
    const header = payloadLength > 1 ? buffer[payloadOffset + 1]! : 0;
    return (header & 0x80) !== 0 && isKey(header & 0x1f);
  }
  return isKey(type);
}

/** RFC 9628 §4.2: the first packet (B) of a frame that is predicted from no other (P clear), in the lowest spatial layer. */
function beginsVp9KeyFrame({ buffer, payloadOffset, payloadLength }: RtpPacket): boolean {
  const end = payloadOffset + payloadLength;
  let offset = payloadOffset;
  if (offset >= end) return false;
  const first = buffer[offset++]!;
  const [hasPictureId, isPredicted, hasLayers, begins] = [0x80, 0x40, 0x20, 0x08].map((bit) => first & bit);
  if (isPredicted || !begins) return false;
  if (!hasLayers) return offset < end;
  if (hasPictureId) offset += offset < end && buffer[offset]! & 0x80 ? 2 : 1;
  return offset < end && (buffer[offset]! & 0x0e) === 0;
}

/** The RTP payload format of AV1, §4.4: a packet that begins a coded video sequence (N), not in the middle of an OBU (Z). */
function beginsAv1KeyFrame({ buffer, payloadOffset, payloadLength }: RtpPacket): boolean {
  return payloadLength > 1 && (buffer[payloadOffset]! & 0x88) === 0x08;
}
