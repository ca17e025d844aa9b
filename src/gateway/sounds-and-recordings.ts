/** Opens what phones are played, and recordings. */
import { join } from 'node:path';
import type { Config } from '../config/config-schema.js';
import { ConfigError } from '../config/load-config.js';
import type { EventRecorder } from '../domain/facts/event-recorder.js';
import { JoinTones } from '../domain/sounds/join-tones.js';
import type { LegRegistry } from '../domain/legs/leg-registry.js';
import type { MediaPlane } from '../domain/media-plane.js';
import { PlaybackService } from '../domain/sounds/playback-service.js';
import { recoverRecordings } from '../domain/recordings/recording-recovery.js';
import { RecordingService } from '../domain/recordings/recording-service.js';
import { RecordingWatch } from '../domain/recordings/recording-watch.js';
import type { SessionService } from '../domain/sessions/session-service.js';
import { SoundService } from '../domain/sounds/sound-service.js';
import type { Metrics } from '../observability/metrics.js';
import { DiskRecordingFiles } from '../store/disk-recording-files.js';
import { claimRecordingsDirectory, RecordingsDirectoryRefused } from '../store/recordings-directory.js';
import { DiskSoundFiles } from '../store/disk-sound-files.js';
import { dataDirectoryFault } from '../store/file-faults.js';
import { holdMusicTrouble } from '../store/hold-music.js';
import type { Stores } from '../store/stores.js';
import type { GatewayContext } from './context.js';

export interface SoundsAndRecordingsOptions extends GatewayContext {
  readonly nodeId: string;
  readonly stores: Stores;
  readonly legs: LegRegistry;
  readonly media: MediaPlane;
  readonly events: EventRecorder;
  readonly metrics: Metrics;
}

/** Rejects with ConfigError where the hold music cannot be played. */
export async function checkHoldMusic({ sounds }: Config): Promise<void> {
  const { holdMusic, maxSeconds } = sounds;
  if (holdMusic === undefined) return;
  const trouble = await holdMusicTrouble(holdMusic, maxSeconds);
  if (trouble !== null) throw new ConfigError([`sounds.holdMusic: ${trouble}`]);
}

const dayMs = 24 * 3_600_000;

/** Ends recordings that an earlier life left running. Rejects with ConfigError where the directory is not this gateway's or cannot be used. */
export async function openRecordings(options: SoundsAndRecordingsOptions): Promise<RecordingService> {
  const { config, stores, clock, closers } = options;
  const { directory, keepDays, ...limits } = config.recordings;
  const logger = options.logger.child({ layer: 'recordings' });
  const ownDirectory = join(config.dataDir, 'recordings');
  const place = directory ?? ownDirectory;
  const files = await openRecordingFiles(place).catch((error: unknown) => {
    throw place === ownDirectory ? dataDirectoryFault(error, config.dataDir) : directoryFault(error, place);
  });
  // The data directory is locked, and what is in it goes with the database.
  if (directory !== undefined && directory !== ownDirectory) {
    const isUsed = [...(await stores.recordings.scanRecordings('', 1)), ...(await files.list())].length > 0;
    await claimRecordingsDirectory(directory, options.nodeId, isUsed).catch((error: unknown) => {
      if (!(error instanceof RecordingsDirectoryRefused)) throw error;
      throw new ConfigError([`recordings.directory: ${error.message}`]);
    });
  }
  const shared = { ...options, store: stores.participants, recordings: stores.recordings, files, logger };
  await recoverRecordings(shared);
  const recordings = new RecordingService({ ...shared, limits });
  const watch = new RecordingWatch({
    recordings,
    store: stores.recordings,
    files,
    clock,
    logger,
    maxBytesPerAccount: limits.maxBytesPerAccount,
    minFreeBytes: limits.minFreeBytes,
    keepMs: keepDays === 0 ? null : keepDays * dayMs,
  });
  options.legs.observe(recordings);
  watch.start();
  closers.onClose('recordings', async () => {
    await recordings.close();
    await watch.close();
  });
  return recordings;
}

/** Rejects with the system's error, also where one may not look into the directory. */
async function openRecordingFiles(directory: string): Promise<DiskRecordingFiles> {
  const files = new DiskRecordingFiles(directory);
  await files.list();
  return files;
}

function directoryFault(error: unknown, directory: string): unknown {
  if (!(error instanceof Error && 'code' in error)) return error;
  return new ConfigError([`recordings.directory: ${directory} cannot be used (${error.message})`]);
}

export interface Sounds {
  readonly sounds: SoundService;
  readonly playbacks: PlaybackService;
}

export async function openSounds(
  options: SoundsAndRecordingsOptions & {
    readonly sessions: SessionService;
    readonly recordings: RecordingService;
  },
): Promise<Sounds> {
  const { config, sessions, legs, events, clock, closers, metrics, recordings } = options;
  const { joinTone, leaveTone, maxPlaybacks, maxSeconds, maxPerAccount } = config.sounds;
  const { maxUploads, maxUploadsPerAccount } = config.sounds;
  const { minFreeBytes } = config.recordings;
  const files = await DiskSoundFiles.open(join(config.dataDir, 'sounds')).catch((error: unknown) => {
    throw dataDirectoryFault(error, config.dataDir);
  });
  const sounds = new SoundService({
    ...{ files, maxUploads, maxUploadsPerAccount },
    limits: { maxSeconds, maxPerAccount, minFreeBytes },
  });
  const playbacks = new PlaybackService({ sessions, legs, sounds, events, clock, maxPlaybacks });
  const tones = new JoinTones({ legs, clock, onJoin: joinTone, onLeave: leaveTone });
  closers.onClose('sounds', () => tones.close());
  legs.observe(playbacks);
  legs.observe(tones);
  metrics.observeRecordings(() => ({
    running: recordings.running.length,
    bytesWritten: recordings.bytesWritten,
    playbacks: playbacks.size,
  }));
  return { sounds, playbacks };
}
