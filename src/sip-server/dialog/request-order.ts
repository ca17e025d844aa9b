/** The order of the peer's requests in a dialog (RFC 3261 §12.2.2). */

/** A peer numbers its requests one by one; some are lost or answered on their way, but not so many in a row. */
const longestStep = 1000;

/**
 * Tells requests of the peer that are out of order by their CSeq numbers. Deviation: a number far ahead of those before it is taken,
 * as the RFC wants it, but does not make the peer's own next number too low: it is of a broken peer, or of somebody who knows the
 * dialog's tags and wants the peer's requests to be refused. Such numbers are kept in order among themselves.
 */
export class RequestOrder {
  #newest: number;
  #newestFarAhead: number | null = null;

  /** `first`: the number of the request that made the dialog; null where that was ours. */
  constructor(first: number | null) {
    this.#newest = first ?? -1;
  }

  /** Takes the request into account; false where it is out of order. */
  accepts(number: number): boolean {
    if (number <= this.#newest) return false;
    if (number - this.#newest <= longestStep) {
      this.#newest = number;
      return true;
    }
    const before = this.#newestFarAhead;
    if (before !== null && number <= before && before - number < longestStep) return false;
    this.#newestFarAhead = number;
    return true;
  }
}
