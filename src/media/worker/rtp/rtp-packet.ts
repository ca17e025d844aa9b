/** Reads and changes RTP packets in place (RFC 3550 §5.1). */

/** An empty buffer for views that hold nothing yet. */
const nothing: Buffer = Buffer.alloc(0);

/** RFC 8285 §4.2: one-byte header extensions. */
const oneByteProfile = 0xbede;

export const rtpHeaderLength = 12;

/** What the fixed header says (RFC 3550 §5.1). Whoever writes many packets keeps one and changes it. */
export interface RtpHeader {
  payloadType: number;
  marker: boolean;
  sequenceNumber: number;
  timestamp: number;
  ssrc: number;
}

/**
 * A view of one RTP packet (RFC 3550 §5.1) in a buffer it does not own. Made to be reused: parsing into an existing view
 * allocates nothing, and the view is valid until the buffer or the view is used for the next packet.
 */
export class RtpPacket implements RtpHeader {
  buffer: Buffer = nothing;
  payloadType = 0;
  marker = false;
  sequenceNumber = 0;
  timestamp = 0;
  ssrc = 0;
  /** Where the payload begins in `buffer`, after CSRCs and header extension. */
  payloadOffset = 0;
  /** Octets of payload, padding not counted. */
  payloadLength = 0;
  /** 16 bits "defined by profile" of the header extension, or -1 without one. */
  extensionProfile = -1;
  extensionOffset = 0;
  extensionLength = 0;

  /** Reads `buffer` into `into`; false, with `into` undefined, when it is not a well-formed RTP packet. */
  static parse(buffer: Buffer, into: RtpPacket): boolean {
    const length = buffer.length;
    if (length < rtpHeaderLength) return false;
    const first = buffer[0]!;
    if (first >> 6 !== 2) return false;
    let offset = rtpHeaderLength + (first & 0x0f) * 4;
    into.extensionProfile = -1;
    into.extensionOffset = 0;
    into.extensionLength = 0;
    if (first & 0x10) {
      if (offset + 4 > length) return false;
      into.extensionProfile = (buffer[offset]! << 8) | buffer[offset + 1]!;
      into.extensionOffset = offset + 4;
      into.extensionLength = ((buffer[offset + 2]! << 8) | buffer[offset + 3]!) * 4;
      offset += 4 + into.extensionLength;
    }
    let end = length;
    if (first & 0x20) {
      const padding = buffer[length - 1]!;
      if (padding === 0) return false;
      end -= padding;
    }
    if (offset > end) return false;
    const second = buffer[1]!;
    into.buffer = buffer;
    into.marker = second >= 0x80;
    into.payloadType = second & 0x7f;
    into.sequenceNumber = (buffer[2]! << 8) | buffer[3]!;
    into.timestamp = ((buffer[4]! << 24) | (buffer[5]! << 16) | (buffer[6]! << 8) | buffer[7]!) >>> 0;
    into.ssrc = ((buffer[8]! << 24) | (buffer[9]! << 16) | (buffer[10]! << 8) | buffer[11]!) >>> 0;
    into.payloadOffset = offset;
    into.payloadLength = end - offset;
    return true;
  }

  /** Writes the fixed 12-octet header (no CSRC, padding or extension) at the start of `buffer`; returns its length. */
  static writeHeader(buffer: Buffer, header: Readonly<RtpHeader>): number {
    const { payloadType, sequenceNumber, timestamp, ssrc } = header;
    buffer[0] = 0x80;
    buffer[1] = header.marker ? payloadType | 0x80 : payloadType;
    buffer[2] = sequenceNumber >>> 8;
    buffer[3] = sequenceNumber;
    buffer[4] = timestamp >>> 24;
    buffer[5] = timestamp >>> 16;
    buffer[6] = timestamp >>> 8;
    buffer[7] = timestamp;
    buffer[8] = ssrc >>> 24;
    buffer[9] = ssrc >>> 16;
    buffer[10] = ssrc >>> 8;
    buffer[11] = ssrc;
    return rtpHeaderLength;
  }

  /**
   * Offset in `buffer` of the data of the one-byte header extension element `id` (1–14, RFC 8285 §4.2), or -1 when it is
   * not there. The octet before it holds its length: see {@link extensionElementLength}.
   */
  extensionElementOffset(id: number): number {
    if (this.extensionProfile !== oneByteProfile) return -1;
    const end = this.extensionOffset + this.extensionLength;
    let offset = this.extensionOffset;
    while (offset < end) {
      const head = this.buffer[offset]!;
      if (head === 0) {
        offset += 1;
        continue;
      }
      const elementId = head >> 4;
      // RFC 8285 §4.2: 15 stops the reading of the whole extension.
      if (elementId === 15) return -1;
      const elementLength = (head & 0x0f) + 1;
      if (offset + 1 + elementLength > end) return -1;
      if (elementId === id) return offset + 1;
      offset += 1 + elementLength;
    }
    return -1;
  }

  /** Octets of the element whose data begins at `elementOffset`, as {@link extensionElementOffset} gave it. */
  extensionElementLength(elementOffset: number): number {
    return (this.buffer[elementOffset - 1]! & 0x0f) + 1;
  }

  /** The data of the one-byte header extension element `id` as a view (allocates the view), or null. */
  extensionElement(id: number): Buffer | null {
    const offset = this.extensionElementOffset(id);
    return offset < 0 ? null : this.buffer.subarray(offset, offset + this.extensionElementLength(offset));
  }

  /** Gives the packet another sequence number, in its buffer too. */
  renumber(sequenceNumber: number): void {
    this.sequenceNumber = sequenceNumber;
    this.buffer[2] = sequenceNumber >>> 8;
    this.buffer[3] = sequenceNumber;
  }

  /** The payload as a view (allocates the view). */
  get payload(): Buffer {
    return this.buffer.subarray(this.payloadOffset, this.payloadOffset + this.payloadLength);
  }
}

/** Tells RTCP from RTP on a shared port by the second octet (RFC 5761 §4): 192–223 is RTCP. */
export function isRtcp(buffer: Buffer): boolean {
  const second = buffer[1];
  return second !== undefined && second >= 192 && second <= 223;
}
