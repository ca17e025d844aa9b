/** The rates at which sound is mixed. */

/** Telephones', wideband telephones', and Opus'. */
export type SampleRate = 8000 | 16_000 | 48_000;

/** Samples of one tick, 20 ms. */
export const tickSamples = (rateHz: SampleRate): number => rateHz / 50;
