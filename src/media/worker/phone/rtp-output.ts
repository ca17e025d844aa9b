/** The RTP stream towards a phone: one line of sequence numbers and timestamps. */
import { randomInt } from 'node:crypto';
import type { PhoneCodec } from '../codec/phone-codec.js';
import { PlayoutClock } from '../rtp/playout-clock.js';
import { type RtpHeader, RtpPacket, rtpHeaderLength } from '../rtp/rtp-packet.js';
import { sequenceDistance, timestampDistance } from '../rtp/sequence.js';

/** Larger gaps than these in what is passed through are not carried over: the source began anew (1 s of 20 ms packets). */
const maxSequenceGap = 50;
const maxTimestampGapMs = 1000;
/** How far a source that paused may come back ahead of the time: what a jitter buffer would still keep waiting. */
const maxAheadMs = 120;
/** Sound that came so long before its time nobody needs yet: longer than any burst that a network or a phone makes of it. */
const maxEarlyMs = 500;
/** Packets in a row that do not follow on from the one before: timestamps of such a source do not count its samples. */
const maxPacketsOff = 5;
/** Ethernet's MTU less IP and UDP; nothing a phone sends is longer. */
const maxPacketLength = 1472;
const tickMs = 20;
/** Shorter packets than these nobody is sent, whatever it asks for: 200 a second. */
const shortestPacketMs = 5;
/** What late ticks make up for; timestamps skip what the ticks skip beyond. */
const maxBehindMs = 80;

/** How what is sent counts. */
export type OutputFormat = Pick<PhoneCodec, 'clockRateHz' | 'isDivisible' | 'unitsOf'>;

/** As G.711 and G.722 do: an octet is a unit of the clock. */
const eightKilohertz: OutputFormat = {
  clockRateHz: 8000,
  isDivisible: true,
  unitsOf: (_payload, _offset, length) => length,
};

/**
 * What one leg sends: a single SSRC whose sequence numbers and timestamps run on, whether a packet is made here (silence,
 * hold sound, mix) or passed through from another leg. Its timestamps never run ahead of the time: where sound was sent before
 * its time, as in bursts, what is made here waits until that has been heard.
 */
export class RtpOutput {
  #format: OutputFormat = eightKilohertz;
  #unitsPerMs = eightKilohertz.clockRateHz / 1000;
  #ssrc = randomInt(1, 0xffff_ffff);
  readonly #send: (datagram: Buffer) => void;
  readonly #packet = Buffer.allocUnsafeSlow(maxPacketLength);
  /** View of the packet as long as the last was: nearly all are alike, and a view costs as much as a copy. */
  #datagram = this.#packet.subarray(0, rtpHeaderLength + 160);
  /** Header of the packet that is being written. */
  readonly #header: RtpHeader = {
    payloadType: 0,
    marker: false,
    sequenceNumber: 0,
    timestamp: 0,
    ssrc: this.#ssrc,
  };
  /** In the lower half: a receiver of SRTP that misses the first packets cannot tell whether it began anew (RFC 3711 §3.3.1). */
  #sequenceNumber = randomInt(0x8000);
  #timestamp = randomInt(0x1_0000_0000);
  #packets = 0;
  #packetsBefore = 0;
  #octets = 0;
  readonly #playout = new PlayoutClock();
  /** How what is passed through stands: none is, it is, or something else was sent in its place since. */
  #standing: 'none' | 'passing' | 'filled' = 'none';
  #sourceSsrc = 0;
  #firstSourceSequence = 0;
  #newestSourceSequence = 0;
  #newestSourceTimestamp = 0;
  #packetsOff = 0;
  #sequenceOffset = 0;
  #timestampOffset = 0;
  /** When a packet of the source last came too late, since something else was sent in its place. */
  #lateMs: number | null = null;
  #mark = true;
  #eventTimestamp = 0;
  #maxPacketMs = Infinity;
  #eventBegins = false;

  /** @param send Sends a datagram, which is valid until the next. */
  constructor(send: (datagram: Buffer) => void) {
    this.#send = send;
  }

  /** The longest packet that the listener takes: what is longer is cut. Null: any. */
  set maxPacketMs(maxPacketMs: number | null) {
    this.#maxPacketMs = maxPacketMs === null ? Infinity : Math.max(maxPacketMs, shortestPacketMs);
  }

  /**
   * What is written and passed through from now on is in this format. One with another clock is a stream of its own, with
   * another SSRC (RFC 7160 §4.1): a receiver cannot count two clocks in one.
   */
  use(format: OutputFormat, nowMs: number): void {
    const isSameClock = format.clockRateHz === this.#format.clockRateHz;
    this.#format = format;
    if (isSameClock) return;
    this.#unitsPerMs = format.clockRateHz / 1000;
    this.#packetsBefore += this.#packets;
    this.#packets = 0;
    this.#octets = 0;
    this.#ssrc = randomInt(1, 0xffff_ffff);
    this.#header.ssrc = this.#ssrc;
    this.#timestamp = randomInt(0x1_0000_0000);
    this.#standing = 'none';
    this.skipTo(nowMs);
  }

  get ssrc(): number {
    return this.#ssrc;
  }

  /** Units of RTP's clock. */
  get unitsPerMs(): number {
    return this.#unitsPerMs;
  }

  /** All, whatever their SSRC. */
  get packetsInAll(): number {
    return this.#packetsBefore + this.#packets;
  }

  /** Those of the current SSRC. */
  get packets(): number {
    return this.#packets;
  }

  get octets(): number {
    return this.#octets;
  }

  /** For how long the listener has had nothing to hear; negative while what was sent is still being heard. */
  idleMs(nowMs: number): number {
    return this.#playout.idleMs(nowMs);
  }

  /** RTP timestamp that belongs to `nowMs`, for sender reports. */
  timestampAt(nowMs: number): number {
    return (this.#timestamp + Math.round(this.idleMs(nowMs) * this.#unitsPerMs)) >>> 0;
  }

  /** Time that passes while telephone events are sent in place of audio, in units of the clock. */
  advance(units: number, nowMs: number): void {
    this.#timestamp = (this.#timestamp + units) >>> 0;
    this.#playout.append(nowMs, units / this.#unitsPerMs);
  }

  /** Lets timestamps keep up with the time that passed without packets (hold, a source that paused), in whole ticks. */
  skipTo(nowMs: number): void {
    this.#mark = true;
    const ticks = Math.round(this.idleMs(nowMs) / tickMs);
    if (ticks > 0) this.advance(ticks * tickMs * this.#unitsPerMs, nowMs);
  }

  /** Sound made here, as one packet or several; not sent while there is still so much to hear. */
  write(payloadType: number, payload: Uint8Array, nowMs: number): void {
    const { length } = payload;
    const units = this.#format.unitsOf(payload, 0, length);
    const idleMs = this.idleMs(nowMs);
    if (idleMs <= -units / this.#unitsPerMs) return;
    if (idleMs > maxBehindMs) {
      this.#mark = true;
      this.advance(Math.ceil((idleMs - maxBehindMs) / tickMs) * tickMs * this.#unitsPerMs, nowMs);
    }
    if (this.#standing === 'passing') {
      this.#standing = 'filled';
      this.#lateMs = null;
    }
    const pieceLength = this.#pieceOf(length);
    for (let at = 0; at < length; at += pieceLength) {
      const piece = pieceLength === length ? payload : payload.subarray(at, at + pieceLength);
      this.#writeHeader(payloadType, this.#mark, this.#sequenceNumber, this.#timestamp);
      this.#packet.set(piece, rtpHeaderLength);
      this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff;
      this.advance(pieceLength === length ? units : piece.length, nowMs);
      this.#sent(piece.length);
    }
  }

  /** A telephone event begins with the next sample: the packets of `writeEvent` are of this one from now on. */
  beginEvent(): void {
    this.continueEvent();
    this.#eventBegins = true;
  }

  /** What is longer than its duration can say goes on as another segment (RFC 4733 §2.5.1.3). */
  continueEvent(): void {
    this.#eventTimestamp = this.#timestamp;
  }

  /**
   * A packet of the event that began last (RFC 4733 §2.5): all of one bear the timestamp of its beginning, the first is marked.
   * Time goes on by `advance`, and the audio after it begins a talkspurt.
   */
  writeEvent(payloadType: number, payload: Uint8Array): void {
    this.#standing = 'none';
    this.#writeHeader(payloadType, this.#eventBegins, this.#sequenceNumber, this.#eventTimestamp);
    this.#eventBegins = false;
    this.#packet.set(payload, rtpHeaderLength);
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff;
    this.#sent(payload.length);
    this.#mark = true;
  }

  /**
   * A packet passed through: its payload as it is, its losses and order as they are, its numbers moved to follow on from
   * what was sent before. Cut where it is too long for the listener. False for one that must not be sent: older than what was
   * sent in its place, or sent faster than it can be heard.
   */
  forward(source: RtpPacket, payloadType: number, nowMs: number): boolean {
    const length = source.payloadLength;
    if (length > maxPacketLength - rtpHeaderLength) return false;
    const units = this.#format.unitsOf(source.buffer, source.payloadOffset, length);
    if (units === 0) return false;
    if (this.idleMs(nowMs) < -maxEarlyMs) {
      // What follows on is heard next: the time of what is left out would put it off as long.
      this.releaseSource();
      return false;
    }
    if (!this.#place(source, units, nowMs)) return false;
    const sequenceNumber = (source.sequenceNumber + this.#sequenceOffset) & 0xffff;
    const timestamp = (source.timestamp + this.#timestampOffset) >>> 0;
    const isNewest = sequenceDistance(sequenceNumber, this.#sequenceNumber) >= 0;
    const pieceLength = this.#pieceOf(length);
    const pieces = Math.ceil(length / pieceLength);
    // The pieces of one that was overtaken have no numbers left.
    if (pieces > 1 && !isNewest) return false;
    for (let piece = 0; piece < pieces; piece++) {
      const at = piece * pieceLength;
      const mark = piece === 0 && (source.marker || this.#mark);
      this.#writeHeader(payloadType, mark, (sequenceNumber + piece) & 0xffff, (timestamp + at) >>> 0);
      const { buffer, payloadOffset } = source;
      const end = Math.min(length, at + pieceLength);
      buffer.copy(this.#packet, rtpHeaderLength, payloadOffset + at, payloadOffset + end);
      this.#sent(end - at);
    }
    if (isNewest) {
      const gapMs = timestampDistance(timestamp, this.#timestamp) / this.#unitsPerMs;
      this.#playout.receive(nowMs, gapMs, units / this.#unitsPerMs);
      this.#sequenceNumber = (sequenceNumber + pieces) & 0xffff;
      this.#sequenceOffset = (this.#sequenceOffset + pieces - 1) & 0xffff;
      this.#timestamp = (timestamp + units) >>> 0;
      this.#newestSourceSequence = source.sequenceNumber;
      this.#newestSourceTimestamp = source.timestamp;
      // So that the window in which the source may reorder does not run out at half the number space.
      if (sequenceDistance(source.sequenceNumber, this.#firstSourceSequence) > 1000) {
        this.#firstSourceSequence = (source.sequenceNumber - 500) & 0xffff;
      }
    }
    return true;
  }

  /** What is passed through next is another source, even if it has the same SSRC. */
  releaseSource(): void {
    this.#standing = 'none';
  }

  /** Finds the packet its place in what is sent; false where it has none. */
  #place(source: RtpPacket, units: number, nowMs: number): boolean {
    if (this.#standing === 'none' || source.ssrc !== this.#sourceSsrc) {
      this.#anchor(source, nowMs);
      return true;
    }
    if (this.#standing === 'filled') return this.#resume(source, units, nowMs);
    if (this.#hasJumped(source) || this.#hasLostTime(source, units, nowMs)) this.#anchor(source, nowMs);
    // Older than what this source began with: its numbers are taken by what was sent before.
    else return sequenceDistance(source.sequenceNumber, this.#firstSourceSequence) >= 0;
    return true;
  }

  #hasJumped(source: RtpPacket): boolean {
    const ahead = sequenceDistance(source.sequenceNumber, this.#newestSourceSequence);
    if (ahead > maxSequenceGap || ahead < -maxSequenceGap) return true;
    const timestampAhead = timestampDistance(
      (source.timestamp + this.#timestampOffset) >>> 0,
      this.#timestamp,
    );
    return Math.abs(timestampAhead) > maxTimestampGapMs * this.#unitsPerMs;
  }

  /**
   * The next packet of a source whose timestamps go back, ahead of the time, or by another measure than its samples. A gap that
   * the time has, too, is sound that was not sent.
   */
  #hasLostTime(source: RtpPacket, units: number, nowMs: number): boolean {
    if (sequenceDistance(source.sequenceNumber, this.#newestSourceSequence) !== 1) return false;
    const timestamp = (source.timestamp + this.#timestampOffset) >>> 0;
    const gap = timestampDistance(timestamp, this.#timestamp);
    const ahead = timestampDistance(timestamp, this.timestampAt(nowMs));
    const tolerance = units / 4;
    const isOff = gap > 0 ? gap >= tolerance && ahead >= tolerance : -gap >= tolerance;
    this.#packetsOff = isOff ? this.#packetsOff + 1 : 0;
    if (this.#packetsOff >= maxPacketsOff) return true;
    if (timestampDistance(source.timestamp, this.#newestSourceTimestamp) <= 0) return true;
    return gap > 0 && ahead > maxAheadMs * this.#unitsPerMs;
  }

  /** The source comes back after something else was sent in its place: at its own time, which has gone on meanwhile. */
  #resume(source: RtpPacket, units: number, nowMs: number): boolean {
    const ahead = sequenceDistance(source.sequenceNumber, this.#newestSourceSequence);
    // It is from before the pause, and was overtaken.
    if (ahead <= 0 && ahead >= -maxSequenceGap) return false;
    const timestamp = (source.timestamp + this.#timestampOffset) >>> 0;
    const late = timestampDistance(this.#timestamp, timestamp);
    const isAhead = timestampDistance(timestamp, this.timestampAt(nowMs)) > maxAheadMs * this.#unitsPerMs;
    if (source.marker || ahead < 0 || isAhead) {
      this.#anchor(source, nowMs);
    } else if (late < units) {
      this.#follow(source);
      if (late > 0) this.#timestampOffset = (this.#timestamp - source.timestamp) >>> 0;
    } else {
      // The time of this packet has been heard as silence. What was held up comes all at once, until it has caught up; what
      // comes at its pace is of a source whose clock stood still.
      const keepsPace = this.#lateMs !== null && nowMs - this.#lateMs >= units / this.#unitsPerMs / 2;
      this.#lateMs = nowMs;
      if (!keepsPace) return false;
      this.#anchor(source, nowMs);
    }
    return true;
  }

  /** From now on the source's numbers follow on from what was sent, its time from what the time is. */
  #anchor(source: RtpPacket, nowMs: number): void {
    if (this.idleMs(nowMs) >= tickMs) this.skipTo(nowMs);
    this.#follow(source);
    this.#timestampOffset = (this.#timestamp - source.timestamp) >>> 0;
  }

  #follow(source: RtpPacket): void {
    this.#standing = 'passing';
    this.#mark = true;
    this.#sourceSsrc = source.ssrc;
    this.#firstSourceSequence = source.sequenceNumber;
    this.#newestSourceSequence = source.sequenceNumber;
    this.#sequenceOffset = (this.#sequenceNumber - source.sequenceNumber) & 0xffff;
  }

  /** Sound of this length goes out in pieces of the same length each, the last perhaps shorter. */
  #pieceOf(length: number): number {
    if (!this.#format.isDivisible) return length;
    const most = this.#maxPacketMs * this.#unitsPerMs;
    return length <= most ? length : Math.ceil(length / Math.ceil(length / most));
  }

  #writeHeader(payloadType: number, marker: boolean, sequenceNumber: number, timestamp: number): void {
    const header = this.#header;
    header.payloadType = payloadType;
    header.marker = marker;
    header.sequenceNumber = sequenceNumber;
    header.timestamp = timestamp;
    RtpPacket.writeHeader(this.#packet, header);
  }

  #sent(payloadLength: number): void {
    this.#mark = false;
    this.#packets = (this.#packets + 1) >>> 0;
    this.#octets = (this.#octets + payloadLength) >>> 0;
    const length = rtpHeaderLength + payloadLength;
    if (this.#datagram.length !== length) this.#datagram = this.#packet.subarray(0, length);
    this.#send(this.#datagram);
  }
}
