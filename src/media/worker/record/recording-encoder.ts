/** What every format of recordings can do: turn samples into the octets of a file, piece by piece. */

/** Octets that belong at a place that was written before. */
export interface Patch {
  readonly position: number;
  readonly bytes: Buffer;
}

/** What makes a whole file of as much as was written. */
export interface Completion {
  /** The file is cut to this. */
  readonly length: number;
  readonly durationMs: number;
  readonly patch: Patch | null;
}

/** Takes the octets of a file one after the other. */
export interface OctetSink {
  /** `bytes` are copied. */
  append(bytes: Uint8Array): void;
  /** Octets that were appended. */
  readonly length: number;
}

/** Makes the octets of a recording of its frames, 20 ms of 8 kHz mono each. Appends a head at once. */
export interface RecordingEncoder {
  /** Octets that the file would have, at most, if it ended now. */
  readonly endedLength: number;
  /** Octets that a frame more would add to that, at most. */
  readonly maxGrowth: number;
  add(frame: Int16Array): void;
  /** Appends what is left. */
  end(): void;
  /** Makes a file readable that is cut off now, where the format needs that. */
  refresh(): Patch | null;
  /** Octets up to here are on the disk: `completeAt` will not be asked about fewer. */
  onWritten(length: number): void;
  /** What completes a file that has come to `written` octets. */
  completeAt(written: number): Completion;
}
