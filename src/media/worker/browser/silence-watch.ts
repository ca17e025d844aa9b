/** Tells when a browser is gone that sends nothing any more. Pure. */

export interface SilenceWatchOptions {
  /** No packet for so long, and none in answer to what it was asked: it is gone. In milliseconds. */
  readonly limitMs: number;
  /** Asks the far end for a report; of the SSRC that reported last, 0 before one did. */
  readonly ask: (ssrc: number) => void;
  /** Once. */
  readonly onSilent: () => void;
}

/** Answers in a row that show that the far end answers; what it sends by itself does not come at the right time so often. */
const answersAsProof = 3;
/** Who has not shown it by then is not asked any more, unless it reports by itself what it sends: it may have begun late. */
const maxProofAsks = 30;
/** Between these. Short: who dies right after it began to send is to be noticed as well. */
const proofTickMs = 100;
/** Between one time that it did not answer and the next try. */
const proofRetryMs = 30_000;
/** The limit in ticks, as far as these bounds allow: so often a silent far end is asked before it counts as gone, less a third. */
const ticksPerLimit = 15;
const tickBoundsMs = { least: 200, most: 1000 };
const senderReportType = 200;

/**
 * Tells when a browser is gone that ICE, whose consent expires after 30 s (RFC 7675 §5.1), still believes in.
 *
 * Silence alone proves nothing: whoever only listens need not send anything, for hours. So the far end is asked for a report
 * (RFC 6051 §3.2), and only where it has shown that it answers, its silence means that it is gone. Measured with Chromium:
 * whoever sends, or did once, answers with a sender report within milliseconds: muted, with `replaceTrack(null)`, inactive, stopped
 * without negotiation, in a frozen page. A connection that has only ever received never answers; it reports of its own accord
 * up to 7.5 s apart while it is sent something, and not at all otherwise. Nor does one any more that has stopped (not only muted)
 * all that it sent, from its own offer on; so what was shown before an offer counts no more. Both are left to ICE.
 */
export class SilenceWatch {
  readonly #options: SilenceWatchOptions;
  readonly #watchTickMs: number;
  #isHeard = false;
  #isReportHeard = false;
  #ssrc = 0;
  /** Since the last packet; time in which this process stood still does not count. */
  #silentMs = 0;
  #tickedMs: number | null = null;
  /** Whether the far end has shown that it answers: `open` while it is being tried. */
  #proof: 'open' | 'given' | 'none' = 'open';
  #asked = 0;
  /** In a row. */
  #answers = 0;
  /** When it last did not answer. */
  #triedMs = 0;
  #isOver = false;

  constructor(options: SilenceWatchOptions) {
    this.#options = options;
    const { least, most } = tickBoundsMs;
    this.#watchTickMs = Math.min(most, Math.max(least, options.limitMs / ticksPerLimit));
  }

  /** When `tick` wants to be called next. */
  get tickMs(): number {
    return this.#proof === 'open' ? proofTickMs : this.#watchTickMs;
  }

  /** An RTP or RTCP packet came. */
  heard(packet: Buffer): void {
    this.#isHeard = true;
    if (packet[1] !== senderReportType || packet.length < 8) return;
    this.#isReportHeard = true;
    this.#ssrc = packet.readUInt32BE(4);
  }

  /** There is another description: the far end may send something else now, or nothing. What it has shown before counts no more. */
  renegotiated(): void {
    this.#proof = 'open';
    this.#asked = 0;
    this.#answers = 0;
  }

  tick(nowMs: number): void {
    if (this.#isOver) return;
    const elapsedMs = Math.min(nowMs - (this.#tickedMs ?? nowMs), 2 * this.tickMs);
    this.#tickedMs = nowMs;
    this.#silentMs = this.#isHeard ? 0 : this.#silentMs + elapsedMs;
    const hasReported = this.#isReportHeard;
    this.#isHeard = false;
    this.#isReportHeard = false;
    if (this.#proof === 'none' && hasReported && nowMs - this.#triedMs >= proofRetryMs) this.renegotiated();
    if (this.#proof === 'open') this.#prove(hasReported, nowMs);
    else if (this.#proof === 'given' && this.#silentMs >= this.#options.limitMs) this.#end();
    else if (this.#proof === 'given' && this.#silentMs >= this.#options.limitMs / 3) this.#ask();
  }

  #prove(hasReported: boolean, nowMs: number): void {
    if (this.#asked > 0) this.#answers = hasReported ? this.#answers + 1 : 0;
    if (this.#answers === answersAsProof) this.#proof = 'given';
    else if (this.#asked < maxProofAsks) this.#ask();
    else {
      this.#proof = 'none';
      this.#triedMs = nowMs;
    }
  }

  #ask(): void {
    this.#asked += 1;
    this.#options.ask(this.#ssrc);
  }

  #end(): void {
    this.#isOver = true;
    this.#options.onSilent();
  }
}
