/** Asserts by frequency who is heard and who is not. */
import { expect } from 'vitest';
import { levelAt } from '../../src/media/worker/sound/dominant-frequency.js';

/** A tone at its usual level is about -12 dBFS; what is 20 dB below that is not its echo but its absence. */
const heardDbfs = -25;
const silentDbfs = -45;

/** `pcm` at 8 kHz holds each of the tones in `heard` and none of those in `silent`. */
export function expectTones(
  pcm: Int16Array,
  { heard = [], silent = [] }: { heard?: readonly number[]; silent?: readonly number[] },
): void {
  const level = (hz: number) => Math.round(levelAt(pcm, 8000, hz));
  const levels = Object.fromEntries([...heard, ...silent].map((hz) => [`${hz} Hz`, level(hz)]));
  for (const hz of heard) {
    expect(level(hz), `${hz} Hz is heard; dBFS: ${JSON.stringify(levels)}`).toBeGreaterThan(heardDbfs);
  }
  for (const hz of silent) {
    expect(level(hz), `${hz} Hz is not heard; dBFS: ${JSON.stringify(levels)}`).toBeLessThan(silentDbfs);
  }
}
