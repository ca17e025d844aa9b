/** What is played and recorded. */
import type { Figures } from './figures.js';

export interface RecordingFigures {
  readonly running: number;
  /** Since the start. */
  readonly bytesWritten: number;
  readonly playbacks: number;
}

export function exposeRecordings(figures: Figures, read: () => RecordingFigures): void {
  figures.gauge('recordings_running', 'Recordings that go on.', () => read().running);
  figures.counter('recorded_bytes_total', 'Bytes of recordings written.', () => read().bytesWritten);
  figures.gauge('playbacks', 'Sounds being played to phones.', () => read().playbacks);
}
