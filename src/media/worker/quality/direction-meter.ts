/** Turns what is counted of one direction into figures of windows, and of the whole. Knows no clock. */
import type { DirectionQuality } from './audio-quality.js';
import { meanOpinionScore, ratingFactor } from './e-model.js';

/** Sound is sent in packets of 20 ms and waits for twice the jitter, as long as our own buffer lets it at most. */
const packetMs = 20;
const maxBufferMs = 120;
/** Jitter is kept in steps of 1 ms; what is above stands in the last. */
const jitterSteps = 200;

export class DirectionMeter {
  #packets = 0;
  #lost = 0;
  #packetsInWindow = 0;
  #lostInWindow = 0;
  #jitterMs = 0;
  #jitterMaxMs = 0;
  readonly #jitterCounts = new Uint32Array(jitterSteps);
  #jitterSamples = 0;
  #last: { readonly lossPercent: number; readonly mos: number } | null = null;
  #mosSum = 0;
  #mosWorst = Infinity;
  #windows = 0;

  /** So many more packets came, and so many did not, in whole or in parts; neither is negative. */
  add(came: number, lost: number, jitterMs: number): void {
    this.#packets += came;
    this.#lost += lost;
    this.#packetsInWindow += came;
    this.#lostInWindow += lost;
    // All was lost: nothing was measured.
    if (came === 0) return;
    this.#jitterMs = jitterMs;
    this.#jitterMaxMs = Math.max(this.#jitterMaxMs, jitterMs);
    this.#jitterCounts[Math.min(jitterSteps - 1, Math.ceil(jitterMs))]! += 1;
    this.#jitterSamples += 1;
  }

  /** Ends a window. One in which nothing was to come says nothing of the quality. */
  endWindow(roundTripMs: number | null): void {
    const window = this.#window(roundTripMs);
    this.#last = window ?? this.#last;
    this.#packetsInWindow = 0;
    this.#lostInWindow = 0;
    if (window === null) return;
    this.#mosSum += window.mos;
    this.#mosWorst = Math.min(this.#mosWorst, window.mos);
    this.#windows += 1;
  }

  /** Null where nothing was ever to come. */
  quality(roundTripMs: number | null): DirectionQuality | null {
    // What has begun counts only as long as there is nothing else.
    const last = this.#last ?? this.#window(roundTripMs);
    if (last === null) return null;
    const expected = this.#packets + this.#lost;
    return {
      lossPercent: rounded(last.lossPercent, 2),
      jitterMs: rounded(this.#jitterMs, 1),
      mos: rounded(last.mos, 2),
      packets: Math.round(this.#packets),
      packetsLost: Math.round(this.#lost),
      totalLossPercent: rounded((100 * this.#lost) / expected, 2),
      jitterP95Ms: rounded(this.#jitterP95(), 1),
      jitterMaxMs: rounded(this.#jitterMaxMs, 1),
      mosMean: rounded(this.#windows === 0 ? last.mos : this.#mosSum / this.#windows, 2),
      mosWorst: rounded(this.#windows === 0 ? last.mos : this.#mosWorst, 2),
    };
  }

  #window(roundTripMs: number | null): { lossPercent: number; mos: number } | null {
    const expected = this.#packetsInWindow + this.#lostInWindow;
    if (expected === 0) return null;
    const lossPercent = (100 * this.#lostInWindow) / expected;
    const delayMs = (roundTripMs ?? 0) / 2 + packetMs + Math.min(maxBufferMs, 2 * this.#jitterMs);
    return { lossPercent, mos: meanOpinionScore(ratingFactor({ lossPercent, delayMs })) };
  }

  #jitterP95(): number {
    let above = Math.floor(this.#jitterSamples * 0.05);
    let step = jitterSteps - 1;
    while (step > 0 && above >= this.#jitterCounts[step]!) above -= this.#jitterCounts[step--]!;
    return step === jitterSteps - 1 ? this.#jitterMaxMs : Math.min(step, this.#jitterMaxMs);
  }
}

function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
