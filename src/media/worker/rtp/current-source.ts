/** Which of several sources that send beside each other is heard (RFC 3550 §8). */

/** Who has not sent for so long begins anew: longer than any packet or burst of them. */
const silentMs = 250;
/** Sources beside the current one that are remembered. */
const maxBeside = 8;

interface Beside {
  readonly ssrc: number;
  lastMs: number;
}

/**
 * Chooses one source of a far end that sends as several: the one that began last, as where a carrier goes from one media server
 * to the next and the old one sends on for a while. Both in turns would be twice the time, and nothing to understand.
 */
export class CurrentSource {
  #ssrc = -1;
  #lastMs = 0;
  /** Those that were left and send still. */
  #beside: Beside[] = [];

  get ssrc(): number {
    return this.#ssrc;
  }

  /** Whether a packet of this source is heard. Call it for each. */
  hears(ssrc: number, nowMs: number): boolean {
    if (ssrc === this.#ssrc) {
      this.#lastMs = nowMs;
      return true;
    }
    const left = this.#beside.find((one) => one.ssrc === ssrc);
    const sendsOn = left !== undefined && nowMs - left.lastMs < silentMs;
    if (left !== undefined) left.lastMs = nowMs;
    if (sendsOn && nowMs - this.#lastMs < silentMs) return false;
    this.#beside = this.#beside.filter((one) => one.ssrc !== ssrc).slice(-maxBeside + 1);
    if (this.#ssrc >= 0) this.#beside.push({ ssrc: this.#ssrc, lastMs: this.#lastMs });
    this.#ssrc = ssrc;
    this.#lastMs = nowMs;
    return true;
  }
}
