/** The spectrum of a sound (radix-2 fast Fourier transform). */

/**
 * Magnitudes of the components from 0 to half the sample rate, `result.length - 1` steps apart: of the sound filled up with
 * silence to the next power of two. A sine of amplitude 1 has half the number of samples.
 */
export function spectrumOf(sound: Float64Array): Float64Array {
  const bits = Math.max(1, Math.ceil(Math.log2(sound.length)));
  const length = 1 << bits;
  const real = new Float64Array(length);
  const imaginary = new Float64Array(length);
  // In the order that the butterflies want: each index with its bits the other way round.
  for (let i = 0, reversed = 0; i < length; i++) {
    real[reversed] = sound[i] ?? 0;
    let bit = length >> 1;
    for (; (reversed & bit) !== 0; bit >>= 1) reversed ^= bit;
    reversed |= bit;
  }
  for (let half = 1; half < length; half <<= 1) combine(real, imaginary, half);
  return Float64Array.from({ length: length / 2 + 1 }, (_, i) => Math.hypot(real[i]!, imaginary[i]!));
}

/** Makes transforms of twice `half` samples of each two of `half`. */
function combine(real: Float64Array, imaginary: Float64Array, half: number): void {
  for (let k = 0; k < half; k++) {
    const angle = (-Math.PI * k) / half;
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    for (let even = k; even < real.length; even += 2 * half) {
      const odd = even + half;
      const re = real[odd]! * cos - imaginary[odd]! * sin;
      const im = real[odd]! * sin + imaginary[odd]! * cos;
      real[odd] = real[even]! - re;
      imaginary[odd] = imaginary[even]! - im;
      real[even]! += re;
      imaginary[even]! += im;
    }
  }
}
