/** Fills the gap that a lost packet leaves with a repetition of the sound before. */

/** Pitch periods that are looked for: 40–120 samples are 200–66 Hz (after G.711 Appendix I). */
const minPeriod = 40;
const maxPeriod = 120;
/** Stretch compared with itself one period earlier. */
const matchLength = 80;
/** What a look for the period needs of the sound before. */
export const concealmentHistory = maxPeriod + matchLength;

/** Full for 10 ms, then down to nothing at 60 ms: repetition beyond sounds like a robot. */
const fadeStart = 80;
const fadeEnd = 480;
/** The returning sound is blended in over 4 ms. */
const blendLength = 32;

/**
 * Makes up for missing sound by repeating the last pitch period with a fade. Working memory only: what was heard before
 * is the caller's, and handed in.
 */
export class LossConcealment {
  readonly #period = new Int16Array(maxPeriod);
  readonly #tail = new Int16Array(blendLength);
  #periodLength = 0;
  #position = 0;
  #made = 0;

  /** True from the first concealed sample to `resume`. */
  get active(): boolean {
    return this.#made > 0;
  }

  /** True once nothing but silence comes of it. */
  get faded(): boolean {
    return this.#made >= fadeEnd;
  }

  /**
   * Writes `count` samples at `at`. The first call after sound looks for the period in the `concealmentHistory` samples
   * before.
   */
  conceal(pcm: Int16Array, at: number, count: number): void {
    if (this.#made === 0) this.#begin(pcm, at);
    this.#generate(pcm, at, count);
  }

  /** Blends the returning sound at `at` with the continued repetition, so that it joins without a click. */
  resume(into: Int16Array, at: number, count: number): void {
    if (this.#made === 0) return;
    const length = Math.min(count, blendLength);
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
    this.#periodLength = findPeriod(history, historyEnd);
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
    for (let i = 0; i < count; i++) {
      const gain = this.#made < fadeStart ? 1 : Math.max(0, (fadeEnd - this.#made) / (fadeEnd - fadeStart));
      into[at + i] = Math.round(this.#period[this.#position]! * gain);
      this.#position = this.#position + 1 === this.#periodLength ? 0 : this.#position + 1;
      this.#made++;
    }
  }
}

/** The lag at which the end of the sound is most like itself, by normalised cross-correlation. */
function findPeriod(history: Int16Array, end: number): number {
  let best = maxPeriod;
  let bestScore = -Infinity;
  for (let lag = minPeriod; lag <= maxPeriod; lag++) {
    let correlation = 0;
    let energy = 1;
    for (let i = end - matchLength; i < end; i += 2) {
      const earlier = history[i - lag]!;
      correlation += history[i]! * earlier;
      energy += earlier * earlier;
    }
    const score = correlation <= 0 ? -1 : (correlation * correlation) / energy;
    if (score > bestScore) {
      bestScore = score;
      best = lag;
    }
  }
  return best;
}
