/** One running sequence of numbers of a source that may begin anew under the same SSRC. */
import type { RtpHeader } from './rtp-packet.js';
import { sequenceDistance, timestampDistance } from './sequence.js';

/** Jumps beyond this everybody takes for another start (RFC 3550 §A.1, MAX_DROPOUT), and packets so far behind are not late. */
const maxDropout = 3000;
const maxMisorder = 100;
/** So many packets behind the newest, one after the other and none newer in between, are no late ones. */
const packetsOfRestart = 5;
const packetsOfFarRestart = 2;

type Numbered = Readonly<Pick<RtpHeader, 'ssrc' | 'sequenceNumber' | 'timestamp'>>;

/**
 * Lets a sequence go on that its source begins anew at numbers that were used already: whoever listens would take what comes
 * for late until the numbers are new again. Loss, order and starts that show (another SSRC, a large jump) stay as they are.
 */
export class RunningSequence {
  #ssrc = -1;
  #offset = 0;
  #newest = 0;
  #newestTimestamp = 0;
  /** The last packet that came behind the newest, by the source's number, and how many came in a row up to it. */
  #behind = 0;
  #run = 0;

  /**
   * The packet's number; null where it is a copy of the newest, or of a start that may be a stray. `isTimed` is false for a
   * packet whose timestamp does not say when it was sent (telephone events).
   */
  numberOf({ ssrc, sequenceNumber, timestamp }: Numbered, isTimed = true): number | null {
    const number = (sequenceNumber + this.#offset) & 0xffff;
    const ahead = ssrc === this.#ssrc ? sequenceDistance(number, this.#newest) : Infinity;
    if (Math.abs(ahead) > maxDropout) {
      this.#ssrc = ssrc;
      this.#offset = 0;
      return this.#goOn(sequenceNumber, timestamp);
    }
    if (ahead > 0) return this.#goOn(number, isTimed ? timestamp : this.#newestTimestamp);
    const isLater = isTimed && timestampDistance(timestamp, this.#newestTimestamp) > 0;
    if (isLater || this.#isRestart(sequenceNumber, ahead)) {
      this.#offset = (this.#newest + 1 - sequenceNumber) & 0xffff;
      return this.#goOn((this.#newest + 1) & 0xffff, timestamp);
    }
    return (ahead === 0 && isTimed) || ahead < -maxMisorder ? null : number;
  }

  #isRestart(sequenceNumber: number, ahead: number): boolean {
    this.#run = sequenceDistance(sequenceNumber, this.#behind) === 1 ? this.#run + 1 : 1;
    this.#behind = sequenceNumber;
    return this.#run >= (ahead < -maxMisorder ? packetsOfFarRestart : packetsOfRestart);
  }

  #goOn(number: number, timestamp: number): number {
    this.#newest = number;
    this.#newestTimestamp = timestamp;
    this.#run = 0;
    return number;
  }
}
