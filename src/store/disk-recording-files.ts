/** Recordings' files in one directory, named `<id>.wav` or `<id>.ogg`. Files with other names are not ours, and stay. */
import { open, readdir, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { RecordingFormat } from '../domain/media-plane.js';
import type { RecordingFile, RecordingFiles } from '../domain/recordings/recording.js';
import { makePrivateDirectory, removeDurably } from './durable-directory.js';
import { isMissing } from './file-faults.js';
import { readOggDurationMs } from './ogg-duration.js';
import { readWavHeader } from './wav-header.js';

const fileName = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.(wav|ogg)$/;

export class DiskRecordingFiles implements RecordingFiles {
  readonly #directory: string;

  /** Makes the directory where it is not there. Throws the system's error. */
  constructor(directory: string) {
    this.#directory = resolve(directory);
    makePrivateDirectory(this.#directory);
  }

  path({ recordingId, format }: RecordingFile): string {
    const name = `${recordingId}.${format}`;
    if (!fileName.test(name)) throw new Error('a recording is named by its id');
    return join(this.#directory, name);
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#directory);
    return bavail * bsize;
  }

  async inspect(file: RecordingFile): Promise<{ durationMs: number | null; bytes: number } | null> {
    try {
      const handle = await open(this.path(file), 'r');
      try {
        const { size: bytes } = await handle.stat();
        const durationMs =
          file.format === 'ogg'
            ? readOggDurationMs(handle)
            : readWavHeader(handle).then((header) => header.durationMs);
        return { durationMs: await durationMs.catch(() => null), bytes };
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async remove(file: RecordingFile): Promise<void> {
    await removeDurably(this.#directory, this.path(file));
  }

  async list(): Promise<readonly RecordingFile[]> {
    return (await readdir(this.#directory)).flatMap((name) => {
      const [, recordingId, format] = fileName.exec(name) ?? [];
      return recordingId === undefined ? [] : [{ recordingId, format: format as RecordingFormat }];
    });
  }
}
