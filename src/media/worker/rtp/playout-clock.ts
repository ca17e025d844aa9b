/** When what was sent will have been heard. */

/** Sound that was ready before its time for so many packets in a row is not needed so early. */
const packetsMeasured = 100;
/** As much faster as a source's clock may be: what comes faster still is ahead of its time. */
const fastestClock = 0.02;

/**
 * When a listener who plays what arrives at once, and waits where nothing is there, will have heard all that was sent: a burst
 * of packets, or a long one, is heard long after it came. In milliseconds of a monotonic clock.
 */
export class PlayoutClock {
  #endMs = 0;
  #begun = false;
  /** The least that was still to be heard when a packet came, of those measured. */
  #leastAheadMs = Infinity;
  #measured = 0;
  #measuredSinceMs = 0;

  get hasBegun(): boolean {
    return this.#begun;
  }

  /** For how long nothing has been left to hear; negative while something is. 0 before the first. */
  idleMs(nowMs: number): number {
    return this.#begun ? nowMs - this.#endMs : 0;
  }

  /** Sound or silence that follows on, whenever it is sent: its maker keeps time. */
  append(nowMs: number, durationMs: number): void {
    if (!this.#begun) this.#begin(nowMs);
    this.#endMs += durationMs;
  }

  /** Sound that came now, of a source with a clock of its own, and begins so long after the end of the last. */
  receive(nowMs: number, gapMs: number, durationMs: number): void {
    if (!this.#begun) this.#begin(nowMs);
    this.#endMs += gapMs;
    this.#measure(this.#endMs - nowMs, nowMs);
    this.#endMs = Math.max(this.#endMs, nowMs) + durationMs;
  }

  #begin(nowMs: number): void {
    this.#begun = true;
    this.#endMs = nowMs;
    this.#measuredSinceMs = nowMs;
  }

  /** Keeps a source whose clock is a little fast, or that was early once, from counting as ahead for ever. */
  #measure(aheadMs: number, nowMs: number): void {
    this.#leastAheadMs = Math.min(this.#leastAheadMs, aheadMs);
    if (++this.#measured < packetsMeasured) return;
    const mostMs = (nowMs - this.#measuredSinceMs) * fastestClock;
    if (this.#leastAheadMs > 0) this.#endMs -= Math.min(this.#leastAheadMs, mostMs);
    this.#leastAheadMs = Infinity;
    this.#measured = 0;
    this.#measuredSinceMs = nowMs;
  }
}
