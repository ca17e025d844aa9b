import type { StreamRegistry } from '../stream-registry.js';
import type { TickClock } from '../tick-clock.js';
import type { RecordingEndReason, RecordingOptions, RecordingResult } from './recording.js';
import { NoSuchRecordingError, RecordingRefusal } from './recording-refusal.js';

export interface RecordingsOptions {
  readonly registry: StreamRegistry;
  readonly tickClock: TickClock;
  readonly onEnded: (
    recordingId: string,
    reason: RecordingEndReason,
    result: RecordingResult,
    detail: string,
  ) => void;
}

export class Recordings {
  constructor(private readonly options: RecordingsOptions) {}

  open(_options: RecordingOptions): Promise<void> {
    void this.options;
    return Promise.reject(new RecordingRefusal('overloaded', 'recordings are being built'));
  }

  receive(_recordingId: string, _streamIds: readonly string[]): void {
    throw new NoSuchRecordingError();
  }

  size(_recordingId: string): RecordingResult | null {
    return null;
  }

  stop(_recordingId: string): Promise<RecordingResult | null> {
    return Promise.resolve(null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
