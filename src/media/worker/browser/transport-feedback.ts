/**
 * Tells a browser when each of its packets came (transport-wide congestion control,
 * draft-holmer-rmcat-transport-wide-cc-extensions-01), from which its sender estimates what the path carries. Pure: the caller
 * says what time it is.
 */
import { sequenceDistance } from '../rtp/sequence.js';

export const transportSequenceExtension =
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';

/** A larger jump of the numbers is another start, not loss. */
const maxJump = 2000;
/** Fewer than what 16 bits count, and little enough for a datagram. */
const maxStatuses = 400;
const ticksPerMs = 4;
const ticksPerReference = 64 * ticksPerMs;
const headLength = 20;
const runLength = 7;

const notReceived = 0;
const smallDelta = 1;
const largeDelta = 2;

interface Arrival {
  readonly sequenceNumber: number;
  readonly ticks: number;
}

export class TransportFeedback {
  /** Since the last report, by number. */
  #arrivals: Arrival[] = [];
  /** The first number that has not been reported; -1 before any. */
  #next = -1;
  #count = 0;

  get hasArrivals(): boolean {
    return this.#arrivals.length > 0;
  }

  onPacket(sequenceNumber: number, nowMs: number): void {
    if (this.#next < 0 || Math.abs(sequenceDistance(sequenceNumber, this.#next)) > maxJump) {
      this.#arrivals = [];
      this.#next = sequenceNumber;
    }
    // It was reported as lost already.
    if (sequenceDistance(sequenceNumber, this.#next) < 0) return;
    const arrivals = this.#arrivals;
    let at = arrivals.length;
    while (at > 0 && sequenceDistance(sequenceNumber, arrivals[at - 1]!.sequenceNumber) < 0) at--;
    if (arrivals[at - 1]?.sequenceNumber === sequenceNumber) return;
    arrivals.splice(at, 0, { sequenceNumber, ticks: Math.round(nowMs * ticksPerMs) });
  }

  /** What there is to report, as RTCP packets of their own (RFC 5506), each of a datagram. */
  reports(senderSsrc: number, mediaSsrc: number): Buffer[] {
    const reports: Buffer[] = [];
    while (this.#arrivals.length > 0) reports.push(this.#report(senderSsrc, mediaSsrc));
    return reports;
  }

  #report(senderSsrc: number, mediaSsrc: number): Buffer {
    const base = this.#next;
    const reference = Math.floor(this.#arrivals[0]!.ticks / ticksPerReference);
    const statuses: number[] = [];
    const deltas: number[] = [];
    let ticks = reference * ticksPerReference;
    let taken = 0;
    for (const arrival of this.#arrivals) {
      const index = sequenceDistance(arrival.sequenceNumber, base);
      const delta = arrival.ticks - ticks;
      // Of the next report, which has a reference of its own.
      if (index >= maxStatuses && taken > 0) break;
      if (Math.abs(delta) > 0x7fff) break;
      while (statuses.length < index) statuses.push(notReceived);
      statuses.push(delta >= 0 && delta <= 0xff ? smallDelta : largeDelta);
      deltas.push(delta);
      ticks = arrival.ticks;
      taken++;
    }
    this.#arrivals.splice(0, taken);
    this.#next = (base + statuses.length) & 0xffff;
    const chunks = chunksOf(statuses);
    const deltaLength = deltas.reduce((sum, delta) => sum + (isSmall(delta) ? 1 : 2), 0);
    const unpadded = headLength + chunks.length * 2 + deltaLength;
    const report = Buffer.alloc(Math.ceil(unpadded / 4) * 4);
    report[0] = 0x80 | 15;
    report[1] = 205;
    report.writeUInt16BE(report.length / 4 - 1, 2);
    report.writeUInt32BE(senderSsrc, 4);
    report.writeUInt32BE(mediaSsrc, 8);
    report.writeUInt16BE(base, 12);
    report.writeUInt16BE(statuses.length, 14);
    report.writeUIntBE(reference & 0xffffff, 16, 3);
    report[19] = this.#count++ & 0xff;
    let at = headLength;
    for (const chunk of chunks) at = report.writeUInt16BE(chunk, at);
    for (const delta of deltas)
      at = isSmall(delta) ? report.writeUInt8(delta, at) : report.writeInt16BE(delta, at);
    return report;
  }
}

const isSmall = (delta: number): boolean => delta >= 0 && delta <= 0xff;

/** Runs of one status in one chunk (§3.1.3), others by seven in a vector of two bits each (§3.1.4). */
function chunksOf(statuses: readonly number[]): number[] {
  const chunks: number[] = [];
  for (let at = 0; at < statuses.length;) {
    const status = statuses[at]!;
    let end = at;
    while (end < statuses.length && statuses[end] === status) end++;
    const isLast = end === statuses.length;
    if (end - at >= runLength || isLast) {
      chunks.push((status << 13) | (end - at));
      at = end;
      continue;
    }
    let chunk = 0xc000;
    for (let n = 0; n < runLength; n++) chunk |= (statuses[at + n] ?? notReceived) << (12 - 2 * n);
    chunks.push(chunk);
    at += runLength;
  }
  return chunks;
}
