/** Gives forwarded packets one line of sequence numbers and timestamps, whatever source they come from. */
import { PlayoutClock } from '../rtp/playout-clock.js';
import { sequenceDistance, timestampDistance } from '../rtp/sequence.js';
import type { RtpPacket } from '../rtp/rtp-packet.js';

/** A jump of sequence numbers beyond this is another start of the source, not loss (RFC 3550 §A.1 maxDropout). */
const maxDropout = 3000;

/**
 * Gives the packets of whatever source feeds one outgoing SSRC continuous sequence numbers and timestamps. Loss and
 * reordering in the source stay visible; a change of source shows as nothing but the time that passed between.
 */
export class RtpRewriter {
  /** As the packet last mapped was sent. */
  sequenceNumber: number;
  timestamp: number;

  #sourceSsrc = -1;
  #sequenceOffset = 0;
  #timestampOffset = 0;
  /** Newest source sequence number, and the one the source began with. */
  #newestSource = 0;
  #firstSource = 0;
  #sinceSwitch = 0;
  /** Newest that went out. */
  #newestOut: number;
  #newestTimestampOut: number;
  /** When all before the newest will have been heard: a packet that came in a burst is heard long after it came. */
  readonly #playout = new PlayoutClock();

  constructor(firstSequenceNumber: number, firstTimestamp: number) {
    this.#newestOut = (firstSequenceNumber - 1) & 0xffff;
    this.#newestTimestampOut = firstTimestamp >>> 0;
    this.sequenceNumber = this.#newestOut;
    this.timestamp = this.#newestTimestampOut;
  }

  /** The next packet is of another source, even if it has the same SSRC. */
  switchSource(): void {
    this.#sourceSsrc = -1;
  }

  /** True once a packet has been mapped since the last switch. */
  get isMapped(): boolean {
    return this.#sourceSsrc >= 0;
  }

  /** The outgoing timestamp of an instant of the source's clock. Meaningful while `isMapped`. */
  mapTimestamp(sourceTimestamp: number): number {
    return (sourceTimestamp + this.#timestampOffset) >>> 0;
  }

  /** Sets `sequenceNumber` and `timestamp` for a packet; false when it must not be sent: older than the switch. */
  map(packet: RtpPacket, arrivalMs: number, clockRateHz: number): boolean {
    const source = packet.sequenceNumber;
    if (
      packet.ssrc !== this.#sourceSsrc ||
      Math.abs(sequenceDistance(source, this.#newestSource)) > maxDropout ||
      this.#goesBack(packet)
    ) {
      this.#start(packet, arrivalMs, clockRateHz);
    } else if (this.#sinceSwitch < maxDropout) {
      if (sequenceDistance(source, this.#firstSource) < 0) return false;
      this.#sinceSwitch++;
    }
    const sequenceNumber = (source + this.#sequenceOffset) & 0xffff;
    const timestamp = (packet.timestamp + this.#timestampOffset) >>> 0;
    if (sequenceDistance(source, this.#newestSource) >= 0) {
      this.#newestSource = source;
      this.#newestOut = sequenceNumber;
      const ahead = timestampDistance(timestamp, this.#newestTimestampOut);
      if (ahead >= 0) {
        this.#newestTimestampOut = timestamp;
        this.#playout.receive(arrivalMs, (ahead * 1000) / clockRateHz, 0);
      }
    }
    this.sequenceNumber = sequenceNumber;
    this.timestamp = timestamp;
    return true;
  }

  /** The next packet of a source whose time begins anew. */
  #goesBack({ sequenceNumber, timestamp }: RtpPacket): boolean {
    if (sequenceDistance(sequenceNumber, this.#newestSource) !== 1) return false;
    return timestampDistance(this.mapTimestamp(timestamp), this.#newestTimestampOut) < 0;
  }

  #start(packet: RtpPacket, arrivalMs: number, clockRateHz: number): void {
    const elapsed = this.#playout.hasBegun
      ? Math.max(1, Math.round((this.#playout.idleMs(arrivalMs) * clockRateHz) / 1000))
      : 0;
    this.#sourceSsrc = packet.ssrc;
    this.#firstSource = packet.sequenceNumber;
    this.#newestSource = packet.sequenceNumber;
    this.#sinceSwitch = 0;
    this.#sequenceOffset = (this.#newestOut + 1 - packet.sequenceNumber) & 0xffff;
    this.#timestampOffset = (this.#newestTimestampOut + elapsed - packet.timestamp) >>> 0;
  }
}
