/** Sounds that an account has uploaded to play them to phones, and the port of the files they are in. */

export interface StoredSound {
  readonly name: string;
  /** Size of the file. */
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
  /** Bytes to be left free on the disk: where there are fewer no sound is taken. */
  readonly minFreeBytes: number;
}

export type PutSoundResult =
  | { readonly result: 'stored'; readonly sound: StoredSound }
  /** `why` says what is wrong with it. */
  | { readonly result: 'invalid'; readonly why: string }
  | { readonly result: 'too-large' | 'too-many' | 'disk-full' };

/** WAV files by account and name. Nothing of one account is seen by another, whatever the name. */
export interface SoundFiles {
  /** Stores the sound, in place of one of that name, all at once or not at all. Rejects where reading the content does. */
  put(
    accountId: string,
    name: string,
    content: AsyncIterable<Uint8Array>,
    limits: SoundLimits,
  ): Promise<PutSoundResult>;
  /** In the order of their names. */
  list(accountId: string): Promise<readonly StoredSound[]>;
  get(accountId: string, name: string): Promise<StoredSound | null>;
  /** The path a sound of that name has, whether it is there or not. */
  path(accountId: string, name: string): string;
  /** Resolves when its removal will survive the process; with false where there was none. */
  remove(accountId: string, name: string): Promise<boolean>;
}

/** What names a sound. As part of a file's name it cannot lead anywhere: it has no slash, and something is added to it. */
export const soundName = /^[A-Za-z0-9._-]{1,64}$/;
