/** What is played and recorded. */
import type { Registry } from 'prom-client';
import { registerFigure } from './figures.js';

export interface RecordingFigures {
  readonly running: number;
  /** Since the start. */
  readonly bytesWritten: number;
  readonly playbacks: number;
}

export function exposeRecordings(registry: Registry, read: () => RecordingFigures): void {
  registerFigure(registry, {
    type: 'gauge',
    name: 'recordings_running',
    help: 'Recordings that go on.',
    read: () => [{ value: read().running }],
  });
  registerFigure(registry, {
    type: 'counter',
    name: 'recorded_bytes_total',
    help: 'Bytes of recordings written.',
    read: () => [{ value: read().bytesWritten }],
  });
  registerFigure(registry, {
    type: 'gauge',
    name: 'playbacks',
    help: 'Sounds being played to phones.',
    read: () => [{ value: read().playbacks }],
  });
}
