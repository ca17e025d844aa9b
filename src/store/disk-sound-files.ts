/** Accounts' sounds: one directory for each account, one WAV file for each sound. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { open, readdir, rm, statfs, type FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  soundName,
  type PutSoundResult,
  type SoundFiles,
  type SoundLimits,
  type StoredSound,
} from '../domain/sounds/sound.js';
import { makePrivateDirectory, removeDurably, syncDirectory } from './durable-directory.js';
import { isFull, isMissing } from './file-faults.js';
import { readWavHeader } from './wav-header.js';

const suffix = '.wav';
/** The name of an upload in progress, which no finished sound has. */
const unfinished = /^[0-9a-f-]{36}\.tmp$/;
/** Bytes of one second of the largest WAV that is accepted: 48 kHz, stereo, 32 bit. */
const maxBytesPerSecond = 48_000 * 2 * 4;
/** Allowance for what stands before and after the audio. */
const otherBytes = 65_536;

export class DiskSoundFiles implements SoundFiles {
  readonly #directory: string;

  /** Makes the directory where it is not there, and removes what uploads of an earlier life left. Throws the system's error. */
  static async open(directory: string): Promise<DiskSoundFiles> {
    const root = resolve(directory);
    makePrivateDirectory(root);
    for (const account of await readdir(root, { withFileTypes: true })) {
      if (!account.isDirectory()) continue;
      const names = await readdir(join(root, account.name));
      for (const name of names.filter((one) => unfinished.test(one))) {
        await rm(join(root, account.name, name), { force: true });
      }
    }
    return new DiskSoundFiles(root);
  }

  private constructor(directory: string) {
    this.#directory = directory;
  }

  async put(
    accountId: string,
    name: string,
    content: AsyncIterable<Uint8Array>,
    limits: SoundLimits,
  ): Promise<PutSoundResult> {
    try {
      return await this.#put(accountId, name, content, limits);
    } catch (error) {
      if (isFull(error)) return { result: 'disk-full' };
      throw error;
    }
  }

  async #put(
    accountId: string,
    name: string,
    content: AsyncIterable<Uint8Array>,
    limits: SoundLimits,
  ): Promise<PutSoundResult> {
    const directory = this.#of(accountId);
    const path = this.path(accountId, name);
    const { bavail, bsize } = await statfs(this.#directory);
    if (bavail * bsize < limits.minFreeBytes) return { result: 'disk-full' };
    makePrivateDirectory(directory);
    const temporary = join(directory, `${randomUUID()}.tmp`);
    const file = await open(temporary, 'wx+', 0o600);
    try {
      const problem = await this.#write(file, content, limits);
      if (problem !== null) return problem;
      const sound = await inspect(file, name);
      await file.sync();
      // Counting and renaming are one step, so that two uploads cannot both take the last place.
      const isNew = !existsSync(path);
      if (isNew && soundsIn(directory).length >= limits.maxPerAccount) return { result: 'too-many' };
      renameSync(temporary, path);
      await syncDirectory(directory);
      return { result: 'stored', sound };
    } finally {
      await file.close();
      await rm(temporary, { force: true });
    }
  }

  async list(accountId: string): Promise<readonly StoredSound[]> {
    let names: string[];
    try {
      names = soundsIn(this.#of(accountId));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
    const sounds = await Promise.all(names.sort().map((name) => this.get(accountId, name)));
    return sounds.filter((sound) => sound !== null);
  }

  async get(accountId: string, name: string): Promise<StoredSound | null> {
    try {
      const file = await open(this.path(accountId, name), 'r');
      try {
        return await inspect(file, name);
      } finally {
        await file.close();
      }
    } catch (error) {
      // A file that somebody else put there and that cannot be played is not listed.
      if (isMissing(error) || (error instanceof Error && !('code' in error))) return null;
      throw error;
    }
  }

  path(accountId: string, name: string): string {
    if (!soundName.test(name)) throw new Error('no name of a sound');
    return join(this.#of(accountId), name + suffix);
  }

  remove(accountId: string, name: string): Promise<boolean> {
    return removeDurably(this.#of(accountId), this.path(accountId, name));
  }

  /** Accounts are named by operators, who may use any character: a hash leads nowhere else. */
  #of(accountId: string): string {
    return join(this.#directory, createHash('sha256').update(accountId).digest('hex').slice(0, 40));
  }

  /** Null where all is well. */
  async #write(
    file: FileHandle,
    content: AsyncIterable<Uint8Array>,
    { maxSeconds }: SoundLimits,
  ): Promise<PutSoundResult | null> {
    const maxBytes = maxSeconds * maxBytesPerSecond + otherBytes;
    let bytes = 0;
    for await (const chunk of content) {
      bytes += chunk.length;
      if (bytes > maxBytes) return { result: 'too-large' };
      await file.writeFile(chunk);
    }
    try {
      const { durationMs } = await readWavHeader(file);
      return durationMs > maxSeconds * 1000 ? { result: 'too-large' } : null;
    } catch (error) {
      return { result: 'invalid', why: error instanceof Error ? error.message : String(error) };
    }
  }
}

function soundsIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length));
}

async function inspect(file: FileHandle, name: string): Promise<StoredSound> {
  const { size: bytes, mtimeMs } = await file.stat();
  return { name, bytes, ...(await readWavHeader(file)), createdAt: Math.round(mtimeMs) };
}
