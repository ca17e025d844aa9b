/** Renumbers a stream after packets were taken out of it, as telephone events are, so that receivers see no loss. */
import { SequenceExtender, sequenceDistance } from './sequence.js';

/** A jump beyond this is another start of the source (RFC 3550 §A.1, MAX_DROPOUT). */
const maxDropout = 3000;
/** Packets taken out that are remembered, for those of before that come after them. */
const maxRemembered = 64;

interface Numbered {
  readonly ssrc: number;
  readonly sequenceNumber: number;
}

/**
 * Closes the gaps that packets leave which are taken out of a stream, such as telephone events: whoever hears the rest would
 * take them for lost. What is really lost, or came in another order, stays so.
 */
export class ThinnedSequence {
  readonly #sequence = new SequenceExtender();
  #ssrc = -1;
  #taken = 0;
  #newestHandedOn = -1;
  /** Extended numbers of what was taken out last. */
  #remembered: number[] = [];

  /** This packet is not handed on. */
  takeOut(packet: Numbered): void {
    const sequence = this.#extend(packet);
    // What was overtaken by packets that are handed on has been taken for lost already.
    if (sequence <= this.#newestHandedOn || this.#remembered.includes(sequence)) return;
    this.#taken++;
    this.#remembered.push(sequence);
    if (this.#remembered.length > maxRemembered) this.#remembered.shift();
  }

  /** The sequence number that a packet is handed on with. */
  numberOf(packet: Numbered): number {
    const sequence = this.#extend(packet);
    let before = this.#taken;
    if (sequence > this.#newestHandedOn) this.#newestHandedOn = sequence;
    // Only those count that were taken out before it.
    for (let i = this.#remembered.length - 1; i >= 0 && this.#remembered[i]! > sequence; i--) before--;
    return (packet.sequenceNumber - before) & 0xffff;
  }

  #extend({ ssrc, sequenceNumber }: Numbered): number {
    const jump =
      ssrc === this.#ssrc ? sequenceDistance(sequenceNumber, this.#sequence.newest & 0xffff) : Infinity;
    if (Math.abs(jump) > maxDropout) {
      this.#ssrc = ssrc;
      this.#sequence.reset();
      this.#taken = 0;
      this.#newestHandedOn = -1;
      this.#remembered = [];
    }
    return this.#sequence.extend(sequenceNumber);
  }
}
