/** Adds up the sounds of several speakers. */

/** Where limiting begins: 0.5 dB below full scale. */
const ceiling = 30_900;
/** Gain comes back by this factor per frame: 6 dB in half a second, slow enough not to pump. */
const release = 1.028;

/**
 * Sums frames in 32 bits and brings the sum back to 16 by turning down what is too loud. Gain glides down over the samples
 * before the first that would be too loud, so nothing is ever clipped, and slowly back up. A sum that fits is passed on bit
 * by bit.
 */
export class Mixer {
  readonly #sum: Int32Array;
  #gain = 1;

  constructor(frameSamples = 160) {
    this.#sum = new Int32Array(frameSamples);
  }

  clear(): void {
    this.#sum.fill(0);
  }

  add(frame: Int16Array): void {
    const sum = this.#sum;
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + frame[i]!;
  }

  /** Writes the limited sum. */
  limit(into: Int16Array): void {
    const sum = this.#sum;
    let peak = 0;
    for (let i = 0; i < sum.length; i++) {
      const magnitude = Math.abs(sum[i]!);
      if (magnitude > peak) peak = magnitude;
    }
    const wanted = peak > ceiling ? ceiling / peak : 1;
    if (wanted === 1 && this.#gain === 1) {
      into.set(sum);
      return;
    }
    const before = this.#gain;
    this.#gain = wanted < before ? wanted : Math.min(wanted, before * release);
    const glide = this.#gain < before ? this.#firstAbove(ceiling / before) : sum.length;
    const step = (this.#gain - before) / glide;
    for (let i = 0; i < sum.length; i++) {
      into[i] = Math.round(sum[i]! * (i < glide ? before + step * (i + 1) : this.#gain));
    }
  }

  /** Index of the first sample above `level`, at least 1. */
  #firstAbove(level: number): number {
    const index = this.#sum.findIndex((sample) => Math.abs(sample) > level);
    return Math.max(1, index);
  }
}
