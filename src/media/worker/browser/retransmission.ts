/** Packets that are sent again on a source of their own (RFC 4588 §4): the original number stands before the payload. Pure. */
import { RtpPacket, rtpHeaderLength, type RtpHeader } from '../rtp/rtp-packet.js';

export const originalNumberLength = 2;

/**
 * Writes what sends `packet` again, one of ours without CSRC, padding and extension, into `into`, which is
 * `originalNumberLength` longer.
 */
export function writeRetransmission(
  into: Buffer,
  packet: Buffer,
  header: Pick<RtpHeader, 'payloadType' | 'sequenceNumber' | 'ssrc'>,
): void {
  packet.copy(into, rtpHeaderLength + originalNumberLength, rtpHeaderLength);
  // The original number is in the second and third octet.
  packet.copy(into, rtpHeaderLength, 2, 4);
  RtpPacket.writeHeader(into, {
    ...header,
    marker: packet[1]! >= 0x80,
    timestamp: packet.readUInt32BE(4),
  });
}

/**
 * Makes of a retransmission, in its own buffer, the packet that it repeats. False for one that repeats nothing: padding that
 * probes the path.
 */
export function unwrapRetransmission(
  packet: RtpPacket,
  original: Pick<RtpHeader, 'payloadType' | 'ssrc'>,
): boolean {
  const { buffer, payloadOffset, payloadLength } = packet;
  if (payloadLength < originalNumberLength) return false;
  const sequenceNumber = buffer.readUInt16BE(payloadOffset);
  // All before the payload moves over the original number.
  buffer.copyWithin(originalNumberLength, 0, payloadOffset);
  const repeated = buffer.subarray(originalNumberLength);
  repeated[1] = (repeated[1]! & 0x80) | original.payloadType;
  repeated.writeUInt16BE(sequenceNumber, 2);
  repeated.writeUInt32BE(original.ssrc, 8);
  return RtpPacket.parse(repeated, packet);
}
