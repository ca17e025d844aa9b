/** What a phone hears while it hears nobody, where nothing else is configured. */

/** That of a phone. */
const sampleRateHz = 8000;

/** Two soft bell notes a fourth apart (E5, A5), then quiet: says "still connected" without becoming a nuisance. */
const notes = [
  { startMs: 0, frequencyHz: 659.26 },
  { startMs: 350, frequencyHz: 880 },
] as const;

/** How long the loop is. A multiple of 20 ms, so that a frame never spans its seam. */
export const holdSoundMs = 4000;

/** Peak amplitude of a note: about -19 dBFS, well below speech. */
const amplitude = 3600;

/** Attack short enough to sound like a bell, long enough not to click; decay to 1/e. */
const attackMs = 12;
const decayMs = 320;

/** Makes the hold sound: one loop of 8 kHz mono samples, whose end joins its start in silence. It takes milliseconds; keep it. */
export function holdSound(): Int16Array {
  const pcm = new Float64Array((sampleRateHz * holdSoundMs) / 1000);
  for (const { startMs, frequencyHz } of notes) {
    const start = (startMs * sampleRateHz) / 1000;
    for (let i = start; i < pcm.length; i++) {
      const t = (i - start) / sampleRateHz;
      const attack = Math.min(1, (t * 1000) / attackMs);
      const body = Math.sin(2 * Math.PI * frequencyHz * t);
      // A weak octave above makes it a bell rather than a test tone; it decays twice as fast.
      const overtone = 0.25 * Math.sin(4 * Math.PI * frequencyHz * t) * Math.exp((-t * 1000) / decayMs);
      pcm[i]! += amplitude * attack * (body + overtone) * Math.exp((-t * 1000) / decayMs);
    }
  }
  return Int16Array.from(pcm, (sample) => Math.round(sample));
}
