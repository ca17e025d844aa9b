/** The sounds of accounts, as REST manages them. */
import { DomainError } from '../domain-error.js';
import { soundName, type SoundFiles, type SoundLimits, type StoredSound } from './sound.js';

export interface SoundServiceOptions {
  readonly files: SoundFiles;
  readonly limits: SoundLimits;
  /** Uploads at once, over all accounts: each may fill the disk up to its limit. Default 4. */
  readonly maxUploads?: number;
  /** Uploads of one account at once: a slow account leaves the others room. Default 2. */
  readonly maxUploadsPerAccount?: number;
}

export class SoundService {
  readonly #options: SoundServiceOptions;
  /** The account of each upload that goes on. */
  readonly #uploads: string[] = [];

  constructor(options: SoundServiceOptions) {
    this.#options = options;
  }

  /** Throws DomainError `sound-invalid`, `sound-too-large`, `too-many-sounds`, `too-many-uploads`, `disk-full`. */
  async put(accountId: string, name: string, content: AsyncIterable<Uint8Array>): Promise<StoredSound> {
    const { files, limits, maxUploads = 4, maxUploadsPerAccount = 2 } = this.#options;
    checkName(name);
    const own = this.#uploads.filter((account) => account === accountId).length;
    if (this.#uploads.length >= maxUploads || own >= maxUploadsPerAccount) {
      throw new DomainError('too-many-uploads', 'Too many sounds are being uploaded at once');
    }
    this.#uploads.push(accountId);
    try {
      const put = await files.put(accountId, name, content, limits);
      switch (put.result) {
        case 'stored':
          return put.sound;
        case 'invalid':
          throw new DomainError('sound-invalid', `The sound cannot be used: ${put.why}`);
        case 'too-large':
          throw new DomainError('sound-too-large', `A sound lasts ${limits.maxSeconds} s at most`);
        case 'too-many':
          throw new DomainError('too-many-sounds', `An account has at most ${limits.maxPerAccount} sounds`);
        case 'disk-full':
          throw new DomainError('disk-full', 'The disk has no room for a sound');
      }
    } finally {
      this.#uploads.splice(this.#uploads.indexOf(accountId), 1);
    }
  }

  list(accountId: string): Promise<readonly StoredSound[]> {
    return this.#options.files.list(accountId);
  }

  async get(accountId: string, name: string): Promise<StoredSound> {
    checkName(name);
    const sound = await this.#options.files.get(accountId, name);
    if (sound === null) throw notFound();
    return sound;
  }

  /** Where its file is. Throws DomainError `sound-not-found`. */
  async find(accountId: string, name: string): Promise<string> {
    await this.get(accountId, name);
    return this.#options.files.path(accountId, name);
  }

  /** A phone that is being played it hears it to its end. Throws DomainError `sound-not-found`. */
  async delete(accountId: string, name: string): Promise<void> {
    checkName(name);
    if (!(await this.#options.files.remove(accountId, name))) throw notFound();
  }
}

function checkName(name: string): void {
  if (!soundName.test(name)) throw notFound();
}

function notFound(): DomainError {
  return new DomainError('sound-not-found', 'Sound not found');
}
