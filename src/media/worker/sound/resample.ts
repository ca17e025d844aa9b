/** Changes the sample rate of a sound, with a windowed sinc. */

/** Zero crossings of the sinc on each side, and the window's shape: what would alias is 70 dB down. */
const zeroCrossings = 16;
const kaiserBeta = 7;
/** Share of the lower Nyquist frequency where the filter is half way down: 3.6 kHz at 8 kHz. */
const cutoffShare = 0.9;
/** Rates with no common divisor would need thousands of phases; of so many the nearest is as good as G.711 can tell. */
const maxPhases = 512;
/** Filters kept: there are some ten usual rates. */
const maxFilters = 8;

interface Filter {
  /** Input samples on each side of an output sample. */
  readonly reach: number;
  readonly phases: number;
  /** `2 * reach` coefficients per phase. */
  readonly taps: Float32Array;
}

const filters = new Map<string, Filter>();

/** Converts mono sound to another sample rate as it comes, by a windowed sinc below both Nyquist frequencies. */
export class Resampler {
  readonly #up: number;
  readonly #down: number;
  readonly #filter: Filter;
  /** Input from `#first` on that outputs still need. */
  #window: Float32Array;
  #count: number;
  /** Index of the window's first sample in the input, which begins with silence before 0. */
  #first: number;
  #inputs = 0;
  #outputs = 0;

  constructor(fromHz: number, toHz: number) {
    const divisor = greatestCommonDivisor(fromHz, toHz);
    this.#up = toHz / divisor;
    this.#down = fromHz / divisor;
    this.#filter = filterOf(this.#up, this.#down);
    this.#first = 1 - this.#filter.reach;
    this.#count = this.#filter.reach - 1;
    this.#window = new Float32Array(this.#count);
  }

  /** Takes `count` samples, writes those that can be made of them to `into` from `at`; returns how many. */
  push(input: Float32Array, count: number, into: Int16Array, at: number): number {
    this.#inputs += count;
    this.#append(input.subarray(0, count));
    return this.#make(into, at);
  }

  /** Writes the rest, as if silence followed; returns how many. In all there are `floor(samples * to / from)`. */
  end(into: Int16Array, at: number): number {
    this.#append(new Float32Array(this.#filter.reach));
    return this.#make(into, at);
  }

  #append(input: Float32Array): void {
    if (this.#window.length < this.#count + input.length) {
      const larger = new Float32Array(2 * (this.#count + input.length));
      larger.set(this.#window.subarray(0, this.#count));
      this.#window = larger;
    }
    this.#window.set(input, this.#count);
    this.#count += input.length;
  }

  #make(into: Int16Array, at: number): number {
    const { reach, phases, taps } = this.#filter;
    const length = 2 * reach;
    const window = this.#window;
    const total = Math.floor((this.#inputs * this.#up) / this.#down);
    let made = 0;
    for (; this.#outputs < total && at + made < into.length; made++, this.#outputs++) {
      const position = this.#outputs * this.#down;
      let before = Math.floor(position / this.#up);
      let phase = Math.round(((position % this.#up) * phases) / this.#up);
      if (phase === phases) {
        phase = 0;
        before++;
      }
      const start = before - reach + 1 - this.#first;
      if (start + length > this.#count) break;
      let sum = 0;
      for (let k = 0, tap = phase * length; k < length; k++, tap++) sum += window[start + k]! * taps[tap]!;
      into[at + made] = Math.max(-32_768, Math.min(32_767, Math.round(sum)));
    }
    const needed = Math.floor((this.#outputs * this.#down) / this.#up) - reach + 1;
    const unneeded = Math.min(this.#count, needed - this.#first);
    if (unneeded > 0) {
      window.copyWithin(0, unneeded, this.#count);
      this.#count -= unneeded;
      this.#first += unneeded;
    }
    return made;
  }
}

/** Converts a whole mono sound. */
export function resample(pcm: Int16Array | Float32Array, fromHz: number, toHz: number): Int16Array {
  if (fromHz === toHz) return pcm instanceof Int16Array ? pcm : rounded(pcm);
  const converted = new Int16Array(Math.floor((pcm.length * toHz) / fromHz));
  const resampler = new Resampler(fromHz, toHz);
  const made = resampler.push(Float32Array.from(pcm), pcm.length, converted, 0);
  resampler.end(converted, made);
  return converted;
}

/** A loop: `Int16Array.from` takes a microsecond a sample. */
function rounded(pcm: Float32Array): Int16Array {
  const samples = new Int16Array(pcm.length);
  for (let at = 0; at < pcm.length; at++) samples[at] = roundToInt16(pcm[at]!);
  return samples;
}

export const roundToInt16 = (sample: number): number =>
  Math.max(-32_768, Math.min(32_767, Math.round(sample)));

function filterOf(up: number, down: number): Filter {
  const key = `${up}/${down}`;
  let filter = filters.get(key);
  if (filter === undefined) {
    filter = design(up, down);
    const [oldest] = filters.keys();
    if (filters.size >= maxFilters && oldest !== undefined) filters.delete(oldest);
    filters.set(key, filter);
  }
  return filter;
}

function design(up: number, down: number): Filter {
  const cutoff = Math.min(1, up / down) * cutoffShare;
  const reach = Math.ceil(zeroCrossings / cutoff);
  const phases = Math.min(up, maxPhases);
  const length = 2 * reach;
  const taps = new Float32Array(phases * length);
  for (let phase = 0; phase < phases; phase++) {
    const of = taps.subarray(phase * length, (phase + 1) * length);
    let sum = 0;
    for (let k = 0; k < length; k++) {
      const distance = k - reach + 1 - phase / phases;
      const x = Math.PI * distance * cutoff;
      const edge = Math.min(1, Math.abs(distance) / reach);
      of[k] = (x === 0 ? 1 : Math.sin(x) / x) * bessel(kaiserBeta * Math.sqrt(1 - edge * edge));
      sum += of[k]!;
    }
    for (let k = 0; k < length; k++) of[k] = of[k]! / sum;
  }
  return { reach, phases, taps };
}

/** The modified Bessel function of order zero, by its power series. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let n = 1; term > sum * 1e-9; n++) {
    term *= (x / 2 / n) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
