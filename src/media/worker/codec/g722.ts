/**
 * ITU-T G.722 at 64 kbit/s: speech of 7 kHz in two sub-bands of ADPCM. In RTP an octet is a unit of a clock of 8000 Hz, and two
 * samples at 16 kHz (RFC 3551 §4.5.2: the clock is an old mistake, kept).
 */

/** The lower and the upper band at 8 kHz each, out of 16 kHz and back: every other coefficient of the filter (table 11). */
const filter = Int32Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11);
const filterLength = 2 * filter.length;
/** Samples of before that the filter looks back on. */
const filterMemory = filterLength - 2;

/** Decision levels of the lower band's 60 steps, of one sign (table 14). */
const decisionLevels = Int32Array.of(
  ...[0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121],
  ...[1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919],
);
/** What the lower band's codes of six bits stand for, and of four bits, by which both sides adapt (table 16). */
const levelsOf6Bits = Int32Array.of(
  ...[-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360],
  ...[-8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032],
  ...[-1688, -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576],
  ...[7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728],
  ...[432, 136, -432, -136],
);
const levelsOf4Bits = Int32Array.of(
  ...[0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0],
);
/** The upper band's, of two bits. */
const levelsOf2Bits = Int32Array.of(-7408, -1616, 7408, 1616);
/** By how much a code moves the logarithm of its band's step (tables 17 and 20). */
const lowerSteps = Int32Array.of(
  ...[-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60],
);
const upperSteps = Int32Array.of(798, -214, 798, -214);
/** Powers of two in 32 steps of an octave (table 18). */
const powers = Int32Array.from({ length: 32 }, (_, index) => Math.round(2048 * 2 ** (index / 32)));

const saturate = (value: number): number => (value > 32767 ? 32767 : value < -32768 ? -32768 : value);
const isNegative = (value: number): boolean => value < 0;

interface BandOptions {
  /** The step at the beginning. */
  readonly step: number;
  readonly largestLog: number;
  /** How many octaves the step lies below 2048 times two where its logarithm is 0. */
  readonly octaves: number;
}

/** One band's predictor and step, which both sides adapt alike by what is sent (§3.5, §3.6). */
class Band {
  step: number;
  /** What is expected of the next sample. */
  prediction = 0;
  readonly #options: BandOptions;
  #log = 0;
  /** Six differences and the coefficients of their sum (the zeros). */
  readonly #differences = new Int32Array(6);
  readonly #zeros = new Int32Array(6);
  #zeroPart = 0;
  /** Two reconstructed samples, their partial reconstructions, and the coefficients of their sum (the poles). */
  #reconstructed = 0;
  #partial1 = 0;
  #partial2 = 0;
  #pole1 = 0;
  #pole2 = 0;

  constructor(options: BandOptions) {
    this.#options = options;
    this.step = options.step;
  }

  scale(level: number): number {
    return (this.step * level) >> 15;
  }

  adapt(difference: number, logChange: number): void {
    const { largestLog, octaves } = this.#options;
    const log = Math.min(Math.max(((this.#log * 127) >> 7) + logChange, 0), largestLog);
    this.#log = log;
    const shift = octaves - (log >> 11);
    const power = powers[(log >> 6) & 31]!;
    this.step = (shift < 0 ? power << -shift : power >> shift) << 2;
    this.#predict(difference);
  }

  #predict(difference: number): void {
    const reconstructed = saturate(this.prediction + difference);
    const partial = saturate(this.#zeroPart + difference);
    this.#adaptPoles(partial);
    const zeroPart = this.#adaptZeros(difference);
    const polePart =
      ((this.#pole1 * saturate(2 * reconstructed)) >> 15) +
      ((this.#pole2 * saturate(2 * this.#reconstructed)) >> 15);
    this.#reconstructed = reconstructed;
    this.#zeroPart = zeroPart;
    this.prediction = saturate(saturate(polePart) + zeroPart);
  }

  #adaptPoles(partial: number): void {
    const sign = isNegative(partial);
    const isAsLast = sign === isNegative(this.#partial1);
    const isAsBefore = sign === isNegative(this.#partial2);
    const slope = saturate(4 * this.#pole1);
    const towards = Math.min(isAsLast ? -slope : slope, 32767) >> 7;
    const pole2 = towards + (isAsBefore ? 128 : -128) + ((this.#pole2 * 32512) >> 15);
    this.#pole2 = Math.min(Math.max(pole2, -12288), 12288);
    const largest = saturate(15360 - this.#pole2);
    const pole1 = saturate((isAsLast ? 192 : -192) + ((this.#pole1 * 32640) >> 15));
    this.#pole1 = Math.min(Math.max(pole1, -largest), largest);
    this.#partial2 = this.#partial1;
    this.#partial1 = partial;
  }

  /** The sum of the differences for the next sample. */
  #adaptZeros(difference: number): number {
    const zeros = this.#zeros;
    const differences = this.#differences;
    const gain = difference === 0 ? 0 : 128;
    const sign = isNegative(difference);
    for (let i = 0; i < 6; i++) {
      const change = sign === isNegative(differences[i]!) ? gain : -gain;
      zeros[i] = saturate(change + ((zeros[i]! * 32640) >> 15));
    }
    differences.copyWithin(1, 0, 5);
    differences[0] = difference;
    let sum = 0;
    for (let i = 0; i < 6; i++) sum += (zeros[i]! * saturate(2 * differences[i]!)) >> 15;
    return saturate(sum);
  }
}

const lowerBand = (): Band => new Band({ step: 32, largestLog: 18432, octaves: 8 });
const upperBand = (): Band => new Band({ step: 8, largestLog: 22528, octaves: 10 });

/** One sender. */
export class G722Encoder {
  readonly #lower = lowerBand();
  readonly #upper = upperBand();
  /** What the filter looks back on, and the sound to encode behind it. */
  #samples = new Int32Array(filterMemory + 320);

  /** Encodes an even number of samples at 16 kHz to half as many octets at `at`; returns the number of octets. */
  encode(pcm: Int16Array, into: Uint8Array, at = 0): number {
    if (this.#samples.length < filterMemory + pcm.length) this.#grow(pcm.length);
    const samples = this.#samples;
    samples.set(pcm, filterMemory);
    const octets = pcm.length >> 1;
    for (let octet = 0; octet < octets; octet++) {
      let odd = 0;
      let even = 0;
      for (let i = 0, k = 2 * octet; i < filter.length; i++, k += 2) {
        odd += samples[k]! * filter[i]!;
        even += samples[k + 1]! * filter[filter.length - 1 - i]!;
      }
      into[at + octet] = (this.#upperCode((even - odd) >> 14) << 6) | this.#lowerCode((even + odd) >> 14);
    }
    samples.copyWithin(0, pcm.length, pcm.length + filterMemory);
    return octets;
  }

  #grow(count: number): void {
    const larger = new Int32Array(filterMemory + count);
    larger.set(this.#samples.subarray(0, filterMemory));
    this.#samples = larger;
  }

  #lowerCode(sample: number): number {
    const band = this.#lower;
    const error = saturate(sample - band.prediction);
    const magnitude = error >= 0 ? error : -(error + 1);
    let level = 1;
    while (level < 30 && magnitude >= (decisionLevels[level]! * band.step) >> 12) level++;
    // Codes grow towards silence, those of negative values first; the two smallest negative ones are the last (table 15).
    const code = error >= 0 ? 62 - level : level < 3 ? 64 - level : 34 - level;
    const adapting = code >> 2;
    band.adapt(band.scale(levelsOf4Bits[adapting]!), lowerSteps[adapting]!);
    return code;
  }

  #upperCode(sample: number): number {
    const band = this.#upper;
    const error = saturate(sample - band.prediction);
    const magnitude = error >= 0 ? error : -(error + 1);
    const isLarge = magnitude >= (564 * band.step) >> 12;
    const code = (error < 0 ? 0 : 2) + (isLarge ? 0 : 1);
    band.adapt(band.scale(levelsOf2Bits[code]!), upperSteps[code]!);
    return code;
  }
}

/** One receiver: at 16 kHz, or of the lower band alone, which is the same speech at 8 kHz. */
export class G722Decoder {
  readonly #lower = lowerBand();
  readonly #upper = upperBand();
  readonly #isWide: boolean;
  #samples = new Int32Array(filterMemory + 320);

  constructor(rateHz: 8000 | 16_000) {
    this.#isWide = rateHz === 16_000;
  }

  /**
   * Decodes the first `length` octets of `payload`, as far as `into` has room from `at`; returns the number of samples: two an
   * octet at 16 kHz, one at 8 kHz.
   */
  decode(payload: Uint8Array, length: number, into: Int16Array, at = 0): number {
    const room = into.length - at;
    return this.#isWide
      ? this.#decodeWide(payload, Math.min(length, room >> 1), into, at)
      : this.#decodeNarrow(payload, Math.min(length, room), into, at);
  }

  #decodeNarrow(payload: Uint8Array, length: number, into: Int16Array, at: number): number {
    // The bands have a headroom of one bit.
    for (let i = 0; i < length; i++) into[at + i] = 2 * this.#lowerSample(payload[i]! & 63);
    return length;
  }

  #decodeWide(payload: Uint8Array, length: number, into: Int16Array, at: number): number {
    if (this.#samples.length < filterMemory + 2 * length) this.#grow(2 * length);
    const samples = this.#samples;
    for (let i = 0, k = filterMemory; i < length; i++, k += 2) {
      const lower = this.#lowerSample(payload[i]! & 63);
      const upper = this.#upperSample(payload[i]! >> 6);
      samples[k] = lower + upper;
      samples[k + 1] = lower - upper;
    }
    for (let octet = 0; octet < length; octet++) {
      let first = 0;
      let second = 0;
      for (let i = 0, k = 2 * octet; i < filter.length; i++, k += 2) {
        second += samples[k]! * filter[i]!;
        first += samples[k + 1]! * filter[filter.length - 1 - i]!;
      }
      into[at + 2 * octet] = saturate(first >> 11);
      into[at + 2 * octet + 1] = saturate(second >> 11);
    }
    samples.copyWithin(0, 2 * length, 2 * length + filterMemory);
    return 2 * length;
  }

  #grow(count: number): void {
    const larger = new Int32Array(filterMemory + count);
    larger.set(this.#samples.subarray(0, filterMemory));
    this.#samples = larger;
  }

  #lowerSample(code: number): number {
    const band = this.#lower;
    const sample = band.prediction + band.scale(levelsOf6Bits[code]!);
    const adapting = code >> 2;
    band.adapt(band.scale(levelsOf4Bits[adapting]!), lowerSteps[adapting]!);
    return limit(sample);
  }

  #upperSample(code: number): number {
    const band = this.#upper;
    const difference = band.scale(levelsOf2Bits[code]!);
    const sample = band.prediction + difference;
    band.adapt(difference, upperSteps[code]!);
    return limit(sample);
  }
}

const limit = (sample: number): number => (sample > 16383 ? 16383 : sample < -16384 ? -16384 : sample);
