/** Whether a phone is still there: it sends RTP, reports by RTCP, or said that it holds. */

/** How long a phone may send neither RTP nor RTCP, in milliseconds. */
export interface LivenessLimits {
  /** Before its first RTP. */
  readonly beforeFirstMs: number;
  /** After it. */
  readonly silentMs: number;
  /** While it holds: it may send nothing then, and is gone all the same some day. */
  readonly holdMs: number;
}

/** Knows no clock: everything is told when it was. */
export class PhoneLiveness {
  readonly #limits: LivenessLimits;
  #isConnected = false;
  /** Null before anything was agreed on. */
  #isToSend: boolean | null = null;
  /** Since when RTP or RTCP is waited for: the last packet, the answer, or the end of a hold. */
  #waitingSinceMs = 0;
  /** When anything last came from the peer: RTP, RTCP or a description. */
  #heardMs = 0;

  constructor(limits: LivenessLimits) {
    this.#limits = limits;
  }

  /** A description was agreed on; `isToSend`: the peer says in it that it sends. */
  onAgreement(isToSend: boolean, nowMs: number): void {
    if (this.#isToSend === null || (isToSend && !this.#isToSend)) this.#waitingSinceMs = nowMs;
    this.#isToSend = isToSend;
    this.#heardMs = nowMs;
  }

  /** RTP of the peer. True for its first. */
  onRtp(nowMs: number): boolean {
    this.onReport(nowMs);
    if (this.#isConnected) return false;
    this.#isConnected = true;
    return true;
  }

  /** Who reports is there, though it may send no RTP: muted, or without comfort noise while nobody speaks. */
  onReport(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#waitingSinceMs = nowMs;
  }

  isGone(nowMs: number): boolean {
    if (this.#isToSend !== true) return nowMs - this.#heardMs >= this.#limits.holdMs;
    const limitMs = this.#isConnected ? this.#limits.silentMs : this.#limits.beforeFirstMs;
    return nowMs - this.#waitingSinceMs >= limitMs;
  }
}
