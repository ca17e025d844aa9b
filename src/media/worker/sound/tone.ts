/** Makes sine tones. */

/** A sine tone whose phase runs on from one block to the next, so that blocks join without a click. */
export class Tone {
  readonly #stepRad: number;
  readonly #amplitude: number;
  #phaseRad = 0;

  /** @param amplitude Peak in 16-bit sample units. Default 8000 (about -12 dBFS). */
  constructor(frequencyHz: number, sampleRateHz = 8000, amplitude = 8000) {
    this.#stepRad = (2 * Math.PI * frequencyHz) / sampleRateHz;
    this.#amplitude = amplitude;
  }

  /** Fills `into` with the next samples of the tone and returns it. */
  fill(into: Int16Array): Int16Array {
    for (let i = 0; i < into.length; i++) {
      into[i] = Math.round(this.#amplitude * Math.sin(this.#phaseRad));
      this.#phaseRad += this.#stepRad;
    }
    this.#phaseRad %= 2 * Math.PI;
    return into;
  }
}
