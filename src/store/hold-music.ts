/** Whether a file can be the hold music. */
import { open, stat } from 'node:fs/promises';
import { readWavHeader } from './wav-header.js';

/** Why it cannot be played, beginning with its path; null where it can. */
export async function holdMusicTrouble(path: string, maxSeconds: number): Promise<string | null> {
  try {
    // Opening a pipe would keep the start waiting for a writer.
    if (!(await stat(path)).isFile()) return `${path} cannot be used: it is no file`;
    const file = await open(path, 'r');
    try {
      const { durationMs } = await readWavHeader(file);
      return durationMs > maxSeconds * 1000
        ? `${path} cannot be used: it is longer than sounds.maxSeconds`
        : null;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return 'code' in error
      ? `${path} cannot be read (${String(error.code)})`
      : `${path} cannot be used: ${error.message}`;
  }
}
