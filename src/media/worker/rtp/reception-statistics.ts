/** What is counted of received RTP: loss and jitter (RFC 3550 §6.4, §A.3, §A.8). */
import type { ReportBlock } from './rtcp.js';
import type { RtpHeader } from './rtp-packet.js';
import { SequenceExtender, sequenceDistance } from './sequence.js';

/** Jumps beyond these start the count anew (RFC 3550 §A.1: maxDropout, MAX_MISORDER). */
const maxDropout = 3000;
const maxMisorder = 100;

/** What of a packet's header is counted. */
type CountedHeader = Readonly<Pick<RtpHeader, 'ssrc' | 'sequenceNumber' | 'timestamp'>>;

/** What one receiver knows of one RTP source: loss and interarrival jitter (RFC 3550 §A.3, §A.8). */
export class ReceptionStatistics {
  #clockRateHz: number;
  readonly #sequence = new SequenceExtender();
  #ssrc = 0;
  #firstExtended = -1;
  #received = 0;
  /** Lost and received before the last restart of the source. */
  #lostBefore = 0;
  #receivedBefore = 0;
  #transit = 0;
  #hasTransit = false;
  #jitter = 0;
  #expectedAtReport = 0;
  #receivedAtReport = 0;

  constructor(clockRateHz: number) {
    this.#clockRateHz = clockRateHz;
  }

  /**
   * Takes note of one packet. A new SSRC or a large jump starts the sequence anew, with the totals kept. `clockRateHz` is
   * null for packets whose timestamp does not say when they were sent (telephone events): they leave the jitter alone.
   */
  onPacket(packet: CountedHeader, arrivalMs: number, clockRateHz: number | null = this.#clockRateHz): void {
    const { ssrc, sequenceNumber } = packet;
    const distance =
      this.#firstExtended < 0 ? 0 : sequenceDistance(sequenceNumber, this.#sequence.newest & 0xffff);
    if (this.#firstExtended < 0 || ssrc !== this.#ssrc || distance > maxDropout || distance < -maxMisorder) {
      this.#restart(ssrc);
      this.#firstExtended = this.#sequence.extend(sequenceNumber);
    } else {
      this.#sequence.extend(sequenceNumber);
    }
    this.#received++;
    if (clockRateHz === null) return;
    if (clockRateHz !== this.#clockRateHz) this.#changeClock(clockRateHz);
    const transit = (arrivalMs * this.#clockRateHz) / 1000 - packet.timestamp;
    if (this.#hasTransit) {
      const difference = Math.abs(transit - this.#transit);
      // A second of difference is a timestamp that wrapped or jumped, not jitter.
      if (difference < this.#clockRateHz) this.#jitter += (difference - this.#jitter) / 16;
    }
    this.#transit = transit;
    this.#hasTransit = true;
  }

  /** Jitter is counted in units of the clock. */
  #changeClock(clockRateHz: number): void {
    this.#jitter = (this.#jitter * clockRateHz) / this.#clockRateHz;
    this.#clockRateHz = clockRateHz;
    this.#hasTransit = false;
  }

  #restart(ssrc: number): void {
    this.#lostBefore = this.packetsLost;
    this.#receivedBefore += this.#received;
    this.#ssrc = ssrc;
    this.#sequence.reset();
    this.#firstExtended = -1;
    this.#received = 0;
    this.#hasTransit = false;
    this.#expectedAtReport = 0;
    this.#receivedAtReport = 0;
  }

  get #expected(): number {
    return this.#firstExtended < 0 ? 0 : this.#sequence.newest - this.#firstExtended + 1;
  }

  get ssrc(): number {
    return this.#ssrc;
  }

  get packetsReceived(): number {
    return this.#receivedBefore + this.#received;
  }

  /** Never negative: duplicates do not make up for losses of before. */
  get packetsLost(): number {
    return this.#lostBefore + Math.max(0, this.#expected - this.#received);
  }

  get jitterMs(): number {
    return (this.#jitter * 1000) / this.#clockRateHz;
  }

  /** The report block for now; the fraction lost counts from the call before. Null before the first packet. */
  report(lastSenderReport = 0, delaySinceLastSenderReport = 0): ReportBlock | null {
    if (this.#firstExtended < 0) return null;
    const expected = this.#expected - this.#expectedAtReport;
    const lost = expected - (this.#received - this.#receivedAtReport);
    this.#expectedAtReport = this.#expected;
    this.#receivedAtReport = this.#received;
    return {
      ssrc: this.#ssrc,
      fractionLost: expected <= 0 || lost <= 0 ? 0 : Math.min(255, Math.floor((lost * 256) / expected)),
      packetsLost: this.#expected - this.#received,
      highestSequence: (this.#sequence.newest - 0x10000) >>> 0,
      jitter: Math.floor(this.#jitter),
      lastSenderReport,
      delaySinceLastSenderReport,
    };
  }
}
