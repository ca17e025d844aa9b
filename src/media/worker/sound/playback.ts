/** What is played to a phone, and how it is asked for. */

/** A tone that is made rather than read from a file. */
export interface ToneSound {
  readonly kind: 'tone';
  /** One, or two that sound together. */
  readonly frequenciesHz: readonly number[];
  readonly durationMs: number;
  /** Peak of the whole tone, below full scale. */
  readonly levelDb: number;
}

/** A WAV file by its absolute path, or a tone. */
export type Sound = { readonly kind: 'file'; readonly path: string } | ToneSound;

/** What a leg is asked to play. */
export interface Playback {
  readonly playbackId: string;
  readonly sound: Sound;
  /** Null: until it is stopped. */
  readonly times: number | null;
  /** Added to what the phone hears, or alone. */
  readonly mode: 'over' | 'instead';
}

export type PlaybackEnd = 'completed' | 'stopped' | 'replaced';
