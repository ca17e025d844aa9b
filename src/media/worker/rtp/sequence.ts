/** Serial-number arithmetic (RFC 1982) for RTP's 16-bit sequence numbers and 32-bit timestamps. */

/** Signed distance from `b` to `a` modulo 2^16: positive when `a` is newer. In -32768…32767. */
export function sequenceDistance(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** Signed distance from `b` to `a` modulo 2^32: positive when `a` is newer. */
export function timestampDistance(a: number, b: number): number {
  return (a - b) | 0;
}

/** Extends 16-bit sequence numbers to a count that does not wrap, following the newest one seen (RFC 3550 §A.1). */
export class SequenceExtender {
  #newest = -1;

  /** The newest extended sequence number, or -1 before the first. */
  get newest(): number {
    return this.#newest;
  }

  /** Extends `sequenceNumber` by what lies nearest to the newest seen; a newer one becomes the newest. */
  extend(sequenceNumber: number): number {
    if (this.#newest < 0) {
      // One cycle up from zero, so that packets older than the first have a place of their own.
      this.#newest = 0x10000 + sequenceNumber;
      return this.#newest;
    }
    const extended = this.#newest + sequenceDistance(sequenceNumber, this.#newest & 0xffff);
    if (extended > this.#newest) this.#newest = extended;
    return extended;
  }

  reset(): void {
    this.#newest = -1;
  }
}
