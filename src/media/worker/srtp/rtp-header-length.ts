/** How long the part of an RTP packet is that SRTP does not encrypt (RFC 3711 §3.1). */
import { rtpHeaderLength } from '../rtp/rtp-packet.js';

/** Octets of the header with contributing sources and extension within the first `length`; -1 where it is no RTP packet. */
export function clearLength(packet: Buffer, length: number): number {
  if (length < rtpHeaderLength) return -1;
  const first = packet[0]!;
  if (first >>> 6 !== 2) return -1;
  let end = rtpHeaderLength + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (end + 4 > length) return -1;
    end += 4 + packet.readUInt16BE(end + 2) * 4;
  }
  return end > length ? -1 : end;
}
