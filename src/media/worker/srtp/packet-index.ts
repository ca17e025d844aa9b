/** Which packet a sequence number of 16 bits stands for, and whether it was there before (RFC 3711 §3.3). */

/**
 * How far behind the newest a packet may be: 2.5 s of packets of 20 ms, twice the least that §3.3.2 asks for. What a phone’s jitter
 * buffer still plays is newer.
 */
const windowSize = 128;

/** The roll-over counter that goes with a sequence number, by the highest index so far (RFC 3711 §3.3.1, appendix A). May be -1. */
export function estimateRollOver(sequenceNumber: number, highestIndex: number): number {
  const rollOver = Math.floor(highestIndex / 0x10000);
  const highest = highestIndex % 0x10000;
  if (highest < 0x8000) return sequenceNumber - highest > 0x8000 ? rollOver - 1 : rollOver;
  return highest - 0x8000 > sequenceNumber ? rollOver + 1 : rollOver;
}

/** The packets of one source that were there: each index once, and none that is much older than the newest (RFC 3711 §3.3.2). */
export class ReplayWindow {
  /** Where its remainder says, the last index that was there; -1: none. */
  readonly #seen = new Float64Array(windowSize).fill(-1);
  #highest = -1;
  /** For its owner: when it was added to last. */
  heardAt = 0;

  /** The highest index that was there; -1: none. */
  get highest(): number {
    return this.#highest;
  }

  /** Not there before, and not too old to tell. */
  isNew(index: number): boolean {
    return index > this.#highest - windowSize && this.#seen[index % windowSize] !== index;
  }

  /** To be called for what was new and has proven genuine. */
  add(index: number): void {
    this.#seen[index % windowSize] = index;
    if (index > this.#highest) this.#highest = index;
  }
}
