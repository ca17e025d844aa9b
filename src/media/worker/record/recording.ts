/** What a recording is, for whoever asks a worker for one. */

/** What is recorded, whatever the streams have: a telephone's. */
export const recordedRateHz = 8000;

/** The kind of file. */
export type RecordingFormat = 'wav' | 'ogg';

export interface RecordingOptions {
  readonly recordingId: string;
  /** Absolute; the file does not exist yet. */
  readonly path: string;
  readonly format: RecordingFormat;
  readonly maxBytes: number;
  readonly maxDurationMs: number;
}

export interface RecordingResult {
  readonly durationMs: number;
  readonly bytes: number;
}

/** Why a recording ended by itself. */
export type RecordingEndReason = 'too-long' | 'too-large' | 'disk-full' | 'failed';
