/** Sounds and recordings without a disk. */
import type { RecordingFile, RecordingFiles } from '../../src/domain/recordings/recording.js';
import type { PutSoundResult, SoundFiles, StoredSound } from '../../src/domain/sounds/sound.js';

export class MemoryRecordingFiles implements RecordingFiles {
  /** What each file holds, by its path. */
  readonly held = new Map<string, { durationMs: number | null; bytes: number }>();
  /** NaN: the disk does not say. */
  free = 1e12;
  readonly removed: string[] = [];
  #removalFailure: Error | null = null;

  failNextRemoval(error: Error): void {
    this.#removalFailure = error;
  }

  path({ recordingId, format }: RecordingFile): string {
    return `/recordings/${recordingId}.${format}`;
  }

  freeBytes(): Promise<number> {
    if (Number.isNaN(this.free)) return Promise.reject(new Error('EIO'));
    return Promise.resolve(this.free);
  }

  /** Whose files cannot be read. */
  readonly unreadable = new Set<string>();

  inspect(file: RecordingFile): Promise<{ durationMs: number | null; bytes: number } | null> {
    if (this.unreadable.has(file.recordingId)) return Promise.reject(new Error('EIO'));
    return Promise.resolve(this.held.get(this.path(file)) ?? null);
  }

  remove(file: RecordingFile): Promise<void> {
    const failure = this.#removalFailure;
    this.#removalFailure = null;
    if (failure !== null) return Promise.reject(failure);
    this.held.delete(this.path(file));
    this.removed.push(file.recordingId);
    return Promise.resolve();
  }

  list(): Promise<readonly RecordingFile[]> {
    return Promise.resolve(
      [...this.held.keys()].map((path) => {
        const [recordingId = '', format] = (path.split('/').at(-1) ?? '').split('.');
        return { recordingId, format: format === 'wav' ? 'wav' : 'ogg' };
      }),
    );
  }
}

/** Every account has the sounds that a test says. */
export class MemorySoundFiles implements SoundFiles {
  readonly names = new Set<string>();

  put(): Promise<PutSoundResult> {
    return Promise.resolve({ result: 'too-many' });
  }

  async list(accountId: string): Promise<readonly StoredSound[]> {
    const sounds = await Promise.all([...this.names].map((name) => this.get(accountId, name)));
    return sounds.filter((sound) => sound !== null);
  }

  get(_accountId: string, name: string): Promise<StoredSound | null> {
    if (!this.names.has(name)) return Promise.resolve(null);
    const figures = { bytes: 16_044, durationMs: 1000, sampleRateHz: 8000, channels: 1, createdAt: 0 };
    return Promise.resolve({ name, ...figures });
  }

  path(accountId: string, name: string): string {
    return `/sounds/${accountId}/${name}.wav`;
  }

  remove(_accountId: string, name: string): Promise<boolean> {
    return Promise.resolve(this.names.delete(name));
  }
}
