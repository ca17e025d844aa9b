/** The RTP stream towards a phone: one line of sequence numbers and timestamps. */
import { randomInt } from 'node:crypto';
import { type RtpHeader, RtpPacket, rtpHeaderLength } from '../rtp/rtp-packet.js';
import { sequenceDistance, timestampDistance } from '../rtp/sequence.js';

/** Larger gaps than these in what is passed through are not carried over: the source began anew (1 s of 20 ms packets). */
const maxSequenceGap = 50;
const maxTimestampGap = 8000;
/** Ethernet's MTU less IP and UDP; nothing a phone sends is longer. */
const maxPacketLength = 1472;

/**
 * What one leg sends: a single SSRC whose sequence numbers and timestamps run on, whether a packet is made here (silence,
 * hold sound, mix) or passed through from another leg.
 */
export class RtpOutput {
  readonly ssrc = randomInt(1, 0xffff_ffff);
  readonly #packet = Buffer.allocUnsafeSlow(maxPacketLength);
  /** View of the packet as long as the last was: nearly all are alike, and a view costs as much as a copy. */
  #datagram = this.#packet.subarray(0, rtpHeaderLength + 160);
  /** Of the packet that is being written. */
  readonly #header: RtpHeader = {
    payloadType: 0,
    marker: false,
    sequenceNumber: 0,
    timestamp: 0,
    ssrc: this.ssrc,
  };
  #sequenceNumber = randomInt(0x10000);
  #timestamp = randomInt(0x1_0000_0000);
  #packets = 0;
  #octets = 0;
  #lastMs = -1;
  /** Where the source stood when it was taken up: null between sources. */
  #passing = false;
  #sourceSsrc = 0;
  #firstSourceSequence = 0;
  #newestSourceSequence = 0;
  #sequenceOffset = 0;
  #timestampOffset = 0;
  #mark = true;
  #eventTimestamp = 0;
  #eventBegins = false;

  get packets(): number {
    return this.#packets;
  }

  get octets(): number {
    return this.#octets;
  }

  /** Monotonic time of the last packet; -1 before the first. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** RTP timestamp that belongs to `nowMs`, for sender reports. */
  timestampAt(nowMs: number): number {
    return this.#lastMs < 0
      ? this.#timestamp
      : (this.#timestamp + Math.round((nowMs - this.#lastMs) * 8)) >>> 0;
  }

  /** Time that passes while telephone events are sent in place of audio. */
  advance(samples: number): void {
    this.#timestamp = (this.#timestamp + samples) >>> 0;
  }

  /** Lets timestamps keep up with the time that passed without packets (hold, a source that paused). */
  skipTo(nowMs: number): void {
    this.#mark = true;
    if (this.#lastMs < 0) return;
    // The timestamp already stands behind the last packet, taken as one tick long.
    const frames = Math.round((nowMs - this.#lastMs) / 20) - 1;
    if (frames > 0) this.#timestamp = (this.#timestamp + frames * 160) >>> 0;
  }

  /** A packet made here, of one octet per sample. Valid until the next. */
  write(payloadType: number, payload: Uint8Array, nowMs: number): Buffer {
    const { length } = payload;
    this.#passing = false;
    this.#writeHeader(payloadType, this.#mark, this.#sequenceNumber, this.#timestamp);
    this.#packet.set(payload, rtpHeaderLength);
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff;
    this.#timestamp = (this.#timestamp + length) >>> 0;
    return this.#sent(length, nowMs);
  }

  /** A telephone event begins with the next sample: the packets of `writeEvent` are of this one from now on. */
  beginEvent(): void {
    this.#eventTimestamp = this.#timestamp;
    this.#eventBegins = true;
  }

  /**
   * A packet of the event that began last (RFC 4733 §2.5): all of one bear the timestamp of its beginning, the first is marked.
   * Time goes on by `advance`, and the audio after it begins a talkspurt. Valid until the next.
   */
  writeEvent(payloadType: number, payload: Uint8Array, nowMs: number): Buffer {
    this.#passing = false;
    this.#writeHeader(payloadType, this.#eventBegins, this.#sequenceNumber, this.#eventTimestamp);
    this.#eventBegins = false;
    this.#packet.set(payload, rtpHeaderLength);
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff;
    const datagram = this.#sent(payload.length, nowMs);
    this.#mark = true;
    return datagram;
  }

  /**
   * A packet passed through: its payload as it is, its losses and order as they are, its numbers moved to follow on from
   * what was sent before. Null for one that must not be sent. Valid until the next.
   */
  forward(source: RtpPacket, payloadType: number, nowMs: number): Buffer | null {
    const length = source.payloadLength;
    if (length > maxPacketLength - rtpHeaderLength) return null;
    if (!this.#passing || source.ssrc !== this.#sourceSsrc || this.#hasJumped(source)) {
      this.#anchor(source);
    } else if (sequenceDistance(source.sequenceNumber, this.#firstSourceSequence) < 0) {
      // Older than what this source began with: its numbers are taken by what was sent before.
      return null;
    }
    const sequenceNumber = (source.sequenceNumber + this.#sequenceOffset) & 0xffff;
    const timestamp = (source.timestamp + this.#timestampOffset) >>> 0;
    this.#writeHeader(payloadType, source.marker || this.#mark, sequenceNumber, timestamp);
    const { buffer, payloadOffset } = source;
    buffer.copy(this.#packet, rtpHeaderLength, payloadOffset, payloadOffset + length);
    if (sequenceDistance(sequenceNumber, this.#sequenceNumber) >= 0) {
      this.#sequenceNumber = (sequenceNumber + 1) & 0xffff;
      this.#timestamp = (timestamp + length) >>> 0;
      this.#newestSourceSequence = source.sequenceNumber;
      // So that the window in which the source may reorder does not run out at half the number space.
      if (sequenceDistance(source.sequenceNumber, this.#firstSourceSequence) > 1000) {
        this.#firstSourceSequence = (source.sequenceNumber - 500) & 0xffff;
      }
    }
    return this.#sent(length, nowMs);
  }

  #hasJumped(source: RtpPacket): boolean {
    const ahead = sequenceDistance(source.sequenceNumber, this.#newestSourceSequence);
    if (ahead > maxSequenceGap || ahead < -maxSequenceGap) return true;
    const timestampAhead = timestampDistance(
      (source.timestamp + this.#timestampOffset) >>> 0,
      this.#timestamp,
    );
    return timestampAhead > maxTimestampGap || timestampAhead < -maxTimestampGap;
  }

  #anchor(source: RtpPacket): void {
    this.#passing = true;
    this.#mark = true;
    this.#sourceSsrc = source.ssrc;
    this.#firstSourceSequence = source.sequenceNumber;
    this.#newestSourceSequence = source.sequenceNumber;
    this.#sequenceOffset = (this.#sequenceNumber - source.sequenceNumber) & 0xffff;
    this.#timestampOffset = (this.#timestamp - source.timestamp) >>> 0;
  }

  #writeHeader(payloadType: number, marker: boolean, sequenceNumber: number, timestamp: number): void {
    const header = this.#header;
    header.payloadType = payloadType;
    header.marker = marker;
    header.sequenceNumber = sequenceNumber;
    header.timestamp = timestamp;
    RtpPacket.writeHeader(this.#packet, header);
  }

  #sent(payloadLength: number, nowMs: number): Buffer {
    this.#mark = false;
    this.#packets = (this.#packets + 1) >>> 0;
    this.#octets = (this.#octets + payloadLength) >>> 0;
    this.#lastMs = nowMs;
    const length = rtpHeaderLength + payloadLength;
    if (this.#datagram.length !== length) this.#datagram = this.#packet.subarray(0, length);
    return this.#datagram;
  }
}
