/** What a start makes of the recordings that an earlier life left: records and files agree afterwards. */
import type { Clock } from '../clock.js';
import type { EventRecorder } from '../facts/event-recorder.js';
import type { Logger } from '../logger.js';
import { recordingFact, recordingSubject } from './recording-facts.js';
import type { RecordingReason } from '../outcome.js';
import type { Recording, RecordingFiles, RecordingStore } from './recording.js';
import type { ParticipantStore } from '../participants/participant-store.js';

export interface RecordingRecoveryOptions {
  readonly nodeId: string;
  readonly recordings: RecordingStore;
  readonly files: RecordingFiles;
  readonly store: Pick<ParticipantStore, 'getSession'>;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
}

const pageSize = 500;

/** Call before the first recording begins. */
export async function recoverRecordings(options: RecordingRecoveryOptions): Promise<void> {
  const { recordings, files, logger } = options;
  for (const recording of await recordings.listRunningRecordings(options.nodeId)) {
    await end(options, recording, 'gateway-restarted');
  }
  /** Those that no record names, by id. */
  const orphans = new Map((await files.list()).map((file) => [file.recordingId, file]));
  for (let after = ''; ;) {
    const page = await recordings.scanRecordings(after, pageSize);
    for (const recording of page) {
      const isThere = orphans.delete(recording.id);
      if (!isThere && recording.bytes > 0) await end(options, recording, 'file-lost');
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) break;
    after = last.id;
  }
  for (const file of orphans.values()) {
    const { recordingId } = file;
    try {
      await files.remove(file);
      logger.warn({ recordingId }, 'removed the file of a recording that nobody knows');
    } catch (error) {
      logger.error(
        { err: error, recordingId },
        'the file of a recording that nobody knows cannot be removed',
      );
    }
  }
}

async function end(
  { recordings, files, store, events, clock, logger }: RecordingRecoveryOptions,
  recording: Recording,
  reason: RecordingReason,
): Promise<void> {
  const file = { recordingId: recording.id, format: recording.format };
  const result = (await files.inspect(file).catch((error: unknown) => {
    // One file that cannot be read keeps nobody from calling.
    logger.error({ err: error, recordingId: recording.id }, 'the file of a recording cannot be read');
    return { durationMs: null, bytes: 0 };
  })) ?? { durationMs: 0, bytes: 0 };
  await recordings.endRecording(recording.id, { reason, ...result, endedAt: clock.now() });
  events.record('recording.failed', await recordingSubject(store, recording), {
    ...recordingFact(recording),
    ...{ reason, ...result },
  });
  logger.warn({ recordingId: recording.id, reason, bytes: result.bytes }, 'a recording failed');
}
