/** How a sound that is cut ends: one that stops from one sample to the next clicks. */

/** 10 ms at 8 kHz: long enough not to click, too short to be heard as more of the sound. */
const fadeSamples = 80;

/** What would have been heard next goes silent within 10 ms. In place. */
export function fadeOut(pcm: Int16Array): void {
  for (let i = 0; i < pcm.length; i++) pcm[i] = pcm[i]! * Math.max(0, 1 - (i + 1) / fadeSamples);
}
