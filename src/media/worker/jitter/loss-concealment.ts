/** Fills the gap that a lost packet leaves with a repetition of the sound before. */
import type { SampleRate } from '../sound/sample-rate.js';

/** Pitch periods that are looked for: 5–15 ms are 200–66 Hz (after G.711 Appendix I). */
const minPeriodMs = 5;
const maxPeriodMs = 15;
/** Stretch compared with itself one period earlier. */
const matchMs = 10;
/** What a look for the period needs of the sound before. */
export const concealmentHistoryMs = maxPeriodMs + matchMs;
/** Full for 10 ms, then down to nothing at 60 ms: repetition beyond sounds like a robot. */
const fadeStartMs = 10;
const fadeEndMs = 60;
/** The returning sound is blended in over 4 ms. */
const blendMs = 4;

/**
 * Makes up for missing sound by repeating the last pitch period with a fade. Working memory only: what was heard before
 * is the caller's, and handed in.
 */
export class LossConcealment {
  readonly #samplesPerMs: number;
  readonly #fadeStart: number;
  readonly #fadeEnd: number;
  readonly #period: Int16Array;
  readonly #tail: Int16Array;
  #periodLength = 0;
  #position = 0;
  #made = 0;

  constructor(rateHz: SampleRate) {
    const samplesPerMs = rateHz / 1000;
    this.#samplesPerMs = samplesPerMs;
    this.#fadeStart = fadeStartMs * samplesPerMs;
    this.#fadeEnd = fadeEndMs * samplesPerMs;
    this.#period = new Int16Array(maxPeriodMs * samplesPerMs);
    this.#tail = new Int16Array(blendMs * samplesPerMs);
  }

  /** True from the first concealed sample to `resume`. */
  get active(): boolean {
    return this.#made > 0;
  }

  /** True once nothing but silence comes of it. */
  get faded(): boolean {
    return this.#made >= this.#fadeEnd;
  }

  /**
   * Writes `count` samples at `at`. The first call after sound looks for the period in the `concealmentHistoryMs`
   * before.
   */
  conceal(pcm: Int16Array, at: number, count: number): void {
    if (this.#made === 0) this.#begin(pcm, at);
    this.#generate(pcm, at, count);
  }

  /** Blends the returning sound at `at` with the continued repetition, so that it joins without a click. */
  resume(into: Int16Array, at: number, count: number): void {
    if (this.#made === 0) return;
    const length = Math.min(count, this.#tail.length);
    this.#generate(this.#tail, 0, length);
    for (let i = 0; i < length; i++) {
      const share = (i + 1) / (length + 1);
      into[at + i] = Math.round(into[at + i]! * share + this.#tail[i]! * (1 - share));
    }
    this.#made = 0;
  }

  reset(): void {
    this.#made = 0;
  }

  #begin(history: Int16Array, historyEnd: number): void {
    this.#periodLength = findPeriod(history, historyEnd, this.#samplesPerMs);
    this.#position = 0;
    const start = historyEnd - this.#periodLength;
    for (let i = 0; i < this.#periodLength; i++) this.#period[i] = history[start + i]!;
    // The seam of the repetition: the end of the period glides into what came before its start.
    const overlap = this.#periodLength >> 2;
    for (let i = 0; i < overlap; i++) {
      const share = (i + 1) / (overlap + 1);
      const at = this.#periodLength - overlap + i;
      const before = history[start - overlap + i]!;
      this.#period[at] = Math.round(this.#period[at]! * (1 - share) + before * share);
    }
  }

  #generate(into: Int16Array, at: number, count: number): void {
    const start = this.#fadeStart;
    const end = this.#fadeEnd;
    for (let i = 0; i < count; i++) {
      const gain = this.#made < start ? 1 : Math.max(0, (end - this.#made) / (end - start));
      into[at + i] = Math.round(this.#period[this.#position]! * gain);
      this.#position = this.#position + 1 === this.#periodLength ? 0 : this.#position + 1;
      this.#made++;
    }
  }
}

/** The lag at which the end of the sound is most like itself: at the steps of 8 kHz first, then between them. */
function findPeriod(history: Int16Array, end: number, samplesPerMs: number): number {
  const step = samplesPerMs / 8;
  const longest = maxPeriodMs * samplesPerMs;
  let best = longest;
  let bestScore = -Infinity;
  const tryLag = (lag: number): void => {
    const score = likeness(history, end, lag, samplesPerMs);
    if (score <= bestScore) return;
    bestScore = score;
    best = lag;
  };
  for (let lag = minPeriodMs * samplesPerMs; lag <= longest; lag += step) tryLag(lag);
  const coarse = best;
  for (let lag = coarse - step + 1; lag < Math.min(coarse + step, longest); lag++)
    if (lag !== coarse) tryLag(lag);
  return best;
}

/** Normalised cross-correlation of the end of the sound with what was `lag` samples before. */
function likeness(history: Int16Array, end: number, lag: number, samplesPerMs: number): number {
  const stride = samplesPerMs / 4;
  let correlation = 0;
  let energy = 1;
  for (let i = end - matchMs * samplesPerMs; i < end; i += stride) {
    const earlier = history[i - lag]!;
    correlation += history[i]! * earlier;
    energy += earlier * earlier;
  }
  return correlation <= 0 ? -1 : (correlation * correlation) / energy;
}
