/** Asks for packets that are missing (RFC 4585 §6.2.1). */
import { sequenceDistance, SequenceExtender } from '../rtp/sequence.js';

export interface NackGeneratorOptions {
  /** More missing packets than this are given up for a key frame. Default 256. */
  readonly maxMissing?: number;
  /** Requests per packet before it is given up. Default 6. */
  readonly maxRequests?: number;
  /** Time before a packet is asked for, in which reordered ones may still come. Default 10 ms. */
  readonly reorderingMs?: number;
  /** Time between requests for one packet: above the round trip of most paths. Default 60 ms. */
  readonly retryMs?: number;
}

/** A larger jump is another start of the stream (RFC 3550 §A.1). */
const maxDropout = 3000;

export type Arrival = 'new' | 'late' | 'duplicate';

interface Missing {
  requests: number;
  dueMs: number;
}

/** Which packets of one SSRC to ask for again (RFC 4585 §6.2.1), and when. Pure: the caller says what time it is. */
export class NackGenerator {
  readonly #options: Required<NackGeneratorOptions>;
  readonly #extender = new SequenceExtender();
  /** By extended sequence number, so in the order of the packets. */
  readonly #missing = new Map<number, Missing>();
  #gaveUp = false;

  constructor(options: NackGeneratorOptions = {}) {
    this.#options = { maxMissing: 256, maxRequests: 6, reorderingMs: 10, retryMs: 60, ...options };
  }

  get missingCount(): number {
    return this.#missing.size;
  }

  /** True once after packets were given up: only a key frame helps. */
  takeGaveUp(): boolean {
    const gaveUp = this.#gaveUp;
    this.#gaveUp = false;
    return gaveUp;
  }

  onPacket(sequenceNumber: number, nowMs: number): Arrival {
    const newest = this.#extender.newest;
    const jump = newest < 0 ? 0 : sequenceDistance(sequenceNumber, newest & 0xffff);
    if (Math.abs(jump) > maxDropout) this.reset();
    const extended = this.#extender.extend(sequenceNumber);
    if (newest < 0 || Math.abs(jump) > maxDropout) return 'new';
    if (extended <= newest) return this.#missing.delete(extended) ? 'late' : 'duplicate';
    const gap = extended - newest - 1;
    if (gap === 0) return 'new';
    if (this.#missing.size + gap > this.#options.maxMissing) {
      this.#missing.clear();
      this.#gaveUp = true;
      return 'new';
    }
    for (let seq = newest + 1; seq < extended; seq++)
      this.#missing.set(seq, { requests: 0, dueMs: nowMs + this.#options.reorderingMs });
    return 'new';
  }

  /** The sequence numbers to ask for now, oldest first. */
  due(nowMs: number): number[] {
    const due: number[] = [];
    for (const [extended, missing] of this.#missing) {
      if (missing.dueMs > nowMs) continue;
      if (missing.requests >= this.#options.maxRequests) {
        this.#missing.delete(extended);
        this.#gaveUp = true;
        continue;
      }
      missing.requests++;
      missing.dueMs = nowMs + this.#options.retryMs;
      due.push(extended & 0xffff);
    }
    return due;
  }

  /** The stream began anew. */
  reset(): void {
    this.#extender.reset();
    this.#missing.clear();
  }
}
