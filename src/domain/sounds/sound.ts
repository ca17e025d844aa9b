/** Sounds that an account has uploaded, to play them to phones. */
export interface StoredSound {
  readonly name: string;
  /** Of the file. */
  readonly bytes: number;
  readonly durationMs: number;
  readonly sampleRateHz: number;
  readonly channels: number;
  /** When it was uploaded, milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface SoundLimits {
  readonly maxSeconds: number;
  readonly maxPerAccount: number;
  /** Left free on the disk: below it nothing is taken. */
  readonly minFreeBytes: number;
}

export type PutSoundResult =
  | { readonly result: 'stored'; readonly sound: StoredSound }
  /** `why` says what is wrong with it. */
  | { readonly result: 'invalid'; readonly why: string }
  | { readonly result: 'too-large' | 'too-many' | 'disk-full' };

/** WAV files by account and name. Nothing of one account is seen by another, whatever the name. */
export interface SoundFiles {
  /** In place of one that has the name, at once or not at all. Rejects where the content does. */
  put(
    accountId: string,
    name: string,
    content: AsyncIterable<Uint8Array>,
    limits: SoundLimits,
  ): Promise<PutSoundResult>;
  /** By name. */
  list(accountId: string): Promise<readonly StoredSound[]>;
  get(accountId: string, name: string): Promise<StoredSound | null>;
  /** Where it is; whether it is there is not asked. */
  path(accountId: string, name: string): string;
  /** Resolves when that outlives the process; false where there was none. */
  remove(accountId: string, name: string): Promise<boolean>;
}

/** What names a sound. As part of a file's name it cannot lead anywhere: it has no slash, and something is added to it. */
export const soundName = /^[A-Za-z0-9._-]{1,64}$/;
