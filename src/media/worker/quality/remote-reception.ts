/**
 * What a far end says in its reports that it receives of one stream of ours (RFC 3550 §6.4.1). Whatever it writes, what is
 * made of it is finite, not negative, and no more than we sent. Pure: is told when everything is.
 */
import type { ReportBlock } from '../rtp/rtcp.js';

/** What is sent, when a report on it comes. */
export interface SentStream {
  readonly packets: number;
  readonly clockRateHz: number;
}

/** In packets, and parts of them: it is made of shares. */
export interface ReportedReception {
  readonly came: number;
  readonly lost: number;
  readonly jitterMs: number;
}

/** Longer round trips and larger jitter are mistakes, or lies. */
const maxRoundTripMs = 10_000;
const maxJitterMs = 5000;
/** Reports that follow sooner than this say nothing new: a compound packet in parts, or a flood. */
const minIntervalMs = 200;
/** So many of our sender reports a far end may still refer to. */
const rememberedReports = 4;
/** Sequence numbers run ahead of what was sent where those that came to us had gaps. */
const maxGaps = 500;
/** So much must have been sent before its silence on it means that nothing came: 1 s of 20 ms packets. */
const packetsToBeHeard = 50;

export class RemoteReception {
  readonly #sentReports: { readonly id: number; readonly atMs: number }[] = [];
  #packetsAtBlock = 0;
  #highestSequence = -1;
  /** Since the far end began to count, as it last said. */
  #packetsLost = 0;
  #blockMs = -Infinity;
  #isHeard = true;
  #roundTripMs: number | null = null;

  /** Whether it ever said anything of the stream. */
  get wasReported(): boolean {
    return this.#highestSequence >= 0;
  }

  /** False where it said once that something came, and that nothing does now. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  /** A sender report of ours went out; `id`: the middle 32 bits of its NTP time. */
  onSenderReport(id: number, nowMs: number): void {
    if (this.#sentReports.length === rememberedReports) this.#sentReports.shift();
    this.#sentReports.push({ id, atMs: nowMs });
  }

  /** A report on the stream; null where it tells nothing new. */
  onBlock(block: ReportBlock, { packets, clockRateHz }: SentStream, nowMs: number): ReportedReception | null {
    if (nowMs - this.#blockMs < minIntervalMs) return null;
    const sent = this.#sentSinceBlock(packets);
    this.#blockMs = nowMs;
    this.#measureRoundTrip(block, nowMs);
    const isStill = block.highestSequence === this.#highestSequence;
    const lossShare = this.#lossShare(block, sent);
    this.#highestSequence = block.highestSequence;
    this.#packetsLost = block.packetsLost;
    // It may report twice before anything that was sent since has reached it.
    if (isStill && sent < packetsToBeHeard) return null;
    this.#packetsAtBlock = packets;
    this.#isHeard = !isStill;
    const jitterMs = (block.jitter * 1000) / clockRateHz;
    const lost = isStill ? sent : sent * lossShare;
    return { came: sent - lost, lost, jitterMs: jitterMs <= maxJitterMs ? jitterMs : 0 };
  }

  /** A report that names the stream no more; null where too little was sent for that to mean anything. */
  onAbsent({ packets }: SentStream, nowMs: number): ReportedReception | null {
    if (!this.wasReported || nowMs - this.#blockMs < minIntervalMs) return null;
    const sent = this.#sentSinceBlock(packets);
    if (sent < packetsToBeHeard) return null;
    this.#blockMs = nowMs;
    this.#packetsAtBlock = packets;
    this.#isHeard = false;
    return { came: 0, lost: sent, jitterMs: 0 };
  }

  /**
   * What was to come since the last block and did not. By the totals of both: the fraction is of the far end's last report
   * alone, which may not have come, and is cut off to 1/256, so that one packet of 300 is none. Where the totals cannot be, by the fraction.
   */
  #lossShare({ highestSequence, packetsLost, fractionLost }: ReportBlock, sent: number): number {
    const expected = (highestSequence - this.#highestSequence) >>> 0;
    const lost = packetsLost - this.#packetsLost;
    const isPlausible = this.wasReported && lost > 0 && lost <= expected && expected <= 2 * sent + maxGaps;
    return isPlausible ? lost / expected : Math.min(255, fractionLost) / 256;
  }

  /** The count of packets may have begun anew. */
  #sentSinceBlock(packets: number): number {
    return packets >= this.#packetsAtBlock ? packets - this.#packetsAtBlock : packets;
  }

  /** Only by a report of ours that it names: what it says of its own delay cannot be checked, but be too long. */
  #measureRoundTrip({ lastSenderReport, delaySinceLastSenderReport }: ReportBlock, nowMs: number): void {
    const sent = this.#sentReports.find(({ id }) => id === lastSenderReport);
    if (lastSenderReport === 0 || sent === undefined) return;
    const sinceMs = nowMs - sent.atMs;
    const roundTripMs = sinceMs - (delaySinceLastSenderReport * 1000) / 65_536;
    // Clocks that count in whole milliseconds make a short way a negative one.
    if (roundTripMs < -2 || roundTripMs > maxRoundTripMs) return;
    this.#roundTripMs = Math.max(0, roundTripMs);
  }
}
