/** Keeps sent packets for those that a browser asks for again. */

/**
 * The last packets sent, for retransmission on NACK: a ring of octets with an index by sequence number. Bounded in octets
 * and in packets; storing copies and allocates nothing.
 */
export class PacketCache {
  readonly #octets: Buffer;
  readonly #entries: number;
  /** Per slot (sequence number modulo the number of slots): where its packet begins on an endless tape of octets. */
  readonly #positions: Float64Array;
  readonly #lengths: Uint16Array;
  readonly #sequenceNumbers: Int32Array;
  readonly #sentMs: Float64Array;
  /** End of the tape: the ring holds its last `#octets.length` octets. */
  #end = 0;

  /** `entries` must be a power of two. */
  constructor(octets: number, entries = 512) {
    this.#octets = Buffer.allocUnsafeSlow(octets);
    this.#entries = entries;
    this.#positions = new Float64Array(entries);
    this.#lengths = new Uint16Array(entries);
    this.#sequenceNumbers = new Int32Array(entries).fill(-1);
    this.#sentMs = new Float64Array(entries);
  }

  store(sequenceNumber: number, packet: Buffer, sentMs: number): void {
    const capacity = this.#octets.length;
    if (packet.length > capacity) return;
    let start = this.#end % capacity;
    // A packet lies in one piece: what would cross the end of the ring begins at its start.
    if (start + packet.length > capacity) {
      this.#end += capacity - start;
      start = 0;
    }
    const slot = sequenceNumber & (this.#entries - 1);
    packet.copy(this.#octets, start);
    this.#positions[slot] = this.#end;
    this.#lengths[slot] = packet.length;
    this.#sequenceNumbers[slot] = sequenceNumber;
    this.#sentMs[slot] = sentMs;
    this.#end += packet.length;
  }

  /**
   * The packet as a view into the cache, valid until the next `store`, or null when it is not there any more or was taken
   * less than `minIntervalMs` ago, so that several NACKs for one loss cost one retransmission.
   */
  take(sequenceNumber: number, nowMs: number, minIntervalMs: number): Buffer | null {
    const slot = sequenceNumber & (this.#entries - 1);
    if (this.#sequenceNumbers[slot] !== sequenceNumber) return null;
    const position = this.#positions[slot]!;
    const capacity = this.#octets.length;
    if (position < this.#end - capacity) return null;
    if (nowMs - this.#sentMs[slot]! < minIntervalMs) return null;
    this.#sentMs[slot] = nowMs;
    const start = position % capacity;
    return this.#octets.subarray(start, start + this.#lengths[slot]!);
  }
}
