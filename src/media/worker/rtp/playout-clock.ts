/** When what was sent will have been heard. */

/** Sound that was ready before its time for so many packets in a row is not needed so early. */
const packetsMeasured = 100;

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
    this.#measure(this.#endMs - nowMs);
    this.#endMs = Math.max(this.#endMs, nowMs) + durationMs;
  }

  #begin(nowMs: number): void {
    this.#begun = true;
    this.#endMs = nowMs;
  }

  /** Keeps a source whose clock is fast, or that was late once, from counting as ahead for ever. */
  #measure(aheadMs: number): void {
    this.#leastAheadMs = Math.min(this.#leastAheadMs, aheadMs);
    if (++this.#measured < packetsMeasured) return;
    if (this.#leastAheadMs > 0) this.#endMs -= this.#leastAheadMs;
    this.#leastAheadMs = Infinity;
    this.#measured = 0;
  }
}
