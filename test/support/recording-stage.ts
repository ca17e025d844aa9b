/** Recordings over the real domain and an SQLite file, with media and files that only remember. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../src/domain/logger.js';
import { recoverRecordings } from '../../src/domain/recordings/recording-recovery.js';
import {
  RecordingService,
  type NewRecording,
  type RecordingLimits,
} from '../../src/domain/recordings/recording-service.js';
import { RecordingWatch } from '../../src/domain/recordings/recording-watch.js';
import type { Recording, RecordingStore } from '../../src/domain/recordings/recording.js';
import { openSqliteStores } from '../../src/store/sqlite/sqlite-stores.js';
import { account, DomainFixture } from './domain-fixture.js';
import { MemoryRecordingFiles } from './memory-files.js';
import type { RecordedRecording } from './recording-media-plane.js';

export const recordingLimits: RecordingLimits = {
  maxAtOnce: 10,
  maxSeconds: 600,
  maxBytes: 1000,
  maxBytesPerAccount: 5000,
  minFreeBytes: 100,
  maxPerAccount: 50,
};

export class RecordingStage {
  readonly directory = mkdtempSync(join(tmpdir(), 'landbridge-recordings-'));
  readonly files = new MemoryRecordingFiles();
  readonly fixture: DomainFixture;
  readonly store: RecordingStore;
  readonly service: RecordingService;
  readonly watch: RecordingWatch;
  readonly #options;

  constructor(limits: Partial<RecordingLimits> = {}, keepMs: number | null = null) {
    const path = join(this.directory, 'landbridge.db');
    this.fixture = new DomainFixture({}, openSqliteStores({ path }));
    this.store = this.fixture.stores.recordings;
    const { fixture, files, store: recordings } = this;
    const { store, legs, media, recorder: events, clock } = fixture;
    const logger = silentLogger;
    this.#options = { nodeId: 'node-1', recordings, files, store, legs, media, events, clock, logger };
    const all = { ...recordingLimits, ...limits };
    this.service = new RecordingService({ ...this.#options, limits: all });
    legs.observe(this.service);
    const { maxBytesPerAccount, minFreeBytes } = all;
    this.watch = new RecordingWatch({
      ...{ recordings: this.service, store: recordings, files, clock, logger },
      ...{ maxBytesPerAccount, minFreeBytes, keepMs },
    });
  }

  start(sessionId: string, wanted: Partial<NewRecording> = {}): Promise<Recording> {
    const defaults: NewRecording = { format: 'ogg', participantId: null, tag: null, key: null };
    return this.service.start(account, sessionId, { ...defaults, ...wanted });
  }

  get(recordingId: string): Promise<Recording> {
    return this.service.get(account, recordingId);
  }

  media(recordingId: string): RecordedRecording {
    const found = this.fixture.media.recordings.find(({ request }) => request.recordingId === recordingId);
    if (found === undefined) throw new Error('the recording was not opened');
    return found;
  }

  /** Until whatever ends it has ended it. */
  async ended(recordingId: string): Promise<Recording> {
    const running = this.service.running.find(({ recording }) => recording.id === recordingId);
    if (running !== undefined) await this.service.end(running, 'stopped');
    return this.get(recordingId);
  }

  recover(): Promise<void> {
    return recoverRecordings(this.#options);
  }

  /** The facts about recordings so far. */
  facts(): string[] {
    return this.fixture.events.flatMap((event) =>
      event.type.startsWith('recording.')
        ? [`${event.type}${'reason' in event.data ? ` ${String(event.data.reason)}` : ''}`]
        : [],
    );
  }

  async close(): Promise<void> {
    await this.service.close();
    await this.watch.close();
    await this.fixture.stores.close();
    rmSync(this.directory, { recursive: true });
  }
}
