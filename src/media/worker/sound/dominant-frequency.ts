/**
 * Finds out by ear what is in a sound: tests give every talker a tone of its own and ask here who is heard.
 * Levels are in dBFS: 0 is a full-scale sine, silence is -Infinity.
 */
import { spectrumOf } from './spectrum.js';

const fullScale = 32768;

/** Level of the component at `frequencyHz` in dBFS, by a Goertzel filter over the Hann-windowed sound. */
export function levelAt(pcm: Int16Array, sampleRateHz: number, frequencyHz: number): number {
  return pcm.length < 2 ? -Infinity : windowedLevelAt(hannWindowed(pcm), sampleRateHz, frequencyHz);
}

function hannWindowed(pcm: Int16Array): Float64Array {
  const step = (2 * Math.PI) / (pcm.length - 1);
  return Float64Array.from(pcm, (sample, i) => sample * (0.5 - 0.5 * Math.cos(step * i)));
}

function windowedLevelAt(windowed: Float64Array, sampleRateHz: number, frequencyHz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequencyHz) / sampleRateHz);
  let previous = 0;
  let beforePrevious = 0;
  for (let i = 0; i < windowed.length; i++) {
    const current = windowed[i]! + coefficient * previous - beforePrevious;
    beforePrevious = previous;
    previous = current;
  }
  const power =
    previous * previous + beforePrevious * beforePrevious - coefficient * previous * beforePrevious;
  // The window halves the amplitude, and a sine's energy is shared with its negative frequency: N/4 per unit of peak.
  return 20 * Math.log10(Math.sqrt(Math.max(power, 0)) / (windowed.length / 4) / fullScale);
}

/** Root mean square of the whole sound in dBFS (a full-scale sine is 0). */
export function overallLevel(pcm: Int16Array): number {
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  return pcm.length === 0 ? -Infinity : 10 * Math.log10((2 * sum) / pcm.length / fullScale / fullScale);
}

/**
 * Frequency of the strongest component between `fromHz` and `toHz`, to about 1 Hz when the sound lasts a second, or null
 * when nothing there is louder than `floorDbfs`.
 */
export function dominantFrequencyHz(
  pcm: Int16Array,
  sampleRateHz: number,
  { fromHz = 100, toHz = sampleRateHz / 2 - 100, floorDbfs = -60 } = {},
): number | null {
  if (pcm.length < 80) return null;
  // Long sounds need no finer look.
  const analysed = pcm.length > sampleRateHz ? pcm.subarray(pcm.length - sampleRateHz) : pcm;
  const windowed = hannWindowed(analysed);
  // The window's main lobe is 4 bins wide: a step of one bin or less cannot step over a peak.
  const spectrum = spectrumOf(windowed);
  const binHz = sampleRateHz / 2 / (spectrum.length - 1);
  let bestBin = Math.ceil(fromHz / binHz);
  for (let bin = bestBin + 1; bin * binHz <= toHz; bin++)
    if (spectrum[bin]! > spectrum[bestBin]!) bestBin = bin;
  let bestHz = bestBin * binHz;
  let best = windowedLevelAt(windowed, sampleRateHz, bestHz);
  if (best < floorDbfs) return null;
  for (let step = binHz / 2; step > 0.1; step /= 2) {
    for (const hz of [bestHz - step, bestHz + step]) {
      const level = windowedLevelAt(windowed, sampleRateHz, hz);
      if (level > best) {
        best = level;
        bestHz = hz;
      }
    }
  }
  return bestHz;
}
