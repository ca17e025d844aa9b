/** Looks after recordings from time to time: their sizes and the disk's, what the store could not take yet, and those that are old. */
import type { Clock, Timer } from '../clock.js';
import { DomainError } from '../domain-error.js';
import type { Logger } from '../logger.js';
import type { RecordingFiles, RecordingStore } from './recording.js';
import type { RecordingService } from './recording-service.js';

export interface RecordingWatchOptions {
  readonly recordings: RecordingService;
  readonly store: Pick<RecordingStore, 'listRecordingsEndedBefore'>;
  readonly files: Pick<RecordingFiles, 'freeBytes'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxBytesPerAccount: number;
  readonly minFreeBytes: number;
  /** How long after its end a recording is deleted; null: never. */
  readonly keepMs: number | null;
}

/** How often recordings that go on are looked at. */
const intervalMs = 5000;
/** How often old recordings are looked for, when there are none. */
const pruneIntervalMs = 60_000;
/** How many recordings one step deletes: few, so that nobody waits for it. */
const pruneStep = 20;

export class RecordingWatch {
  readonly #options: RecordingWatchOptions;
  #timer: Timer | null = null;
  #pruneTimer: Timer | null = null;
  #checking: Promise<void> = Promise.resolve();
  #pruning: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: RecordingWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule();
    if (this.#options.keepMs !== null) this.#schedulePrune(0);
  }

  /** Resolves when a look in progress is over; idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#pruneTimer?.cancel();
    await Promise.all([this.#checking, this.#pruning]);
  }

  /** Looks at the recordings that go on, once. Never rejects. */
  async check(): Promise<void> {
    const { recordings, logger } = this.#options;
    if (recordings.running.length === 0) return;
    const steps = [
      () => Promise.all(recordings.running.map((running) => running.measure())),
      () => this.#checkDisk(),
      () => this.#checkQuotas(),
      async () => {
        for (const running of recordings.running) await recordings.settle(running);
      },
    ];
    // A store that is away does not keep a disk from being looked at, nor the other way round.
    for (const step of steps) {
      await step().catch((error: unknown) => {
        logger.warn({ err: error }, 'could not look after the recordings');
      });
    }
  }

  /** Deletes some that are old. Resolves with true where there may be more; never rejects. */
  async prune(): Promise<boolean> {
    const { recordings, store, clock, logger, keepMs } = this.#options;
    if (keepMs === null) return false;
    try {
      const old = await store.listRecordingsEndedBefore(clock.now() - keepMs, pruneStep);
      for (const { accountId, id } of old) {
        await recordings.delete(accountId, id).catch((error: unknown) => {
          // Somebody else may have deleted it a moment ago.
          if (!(error instanceof DomainError && error.code === 'recording-not-found')) throw error;
        });
      }
      return old.length >= pruneStep;
    } catch (error) {
      logger.warn({ err: error }, 'could not delete old recordings');
      return false;
    }
  }

  async #checkQuotas(): Promise<void> {
    const { recordings, maxBytesPerAccount } = this.#options;
    const accounts = new Set(recordings.running.map(({ recording }) => recording.accountId));
    for (const accountId of accounts) {
      if ((await recordings.usedBytes(accountId)) < maxBytesPerAccount) continue;
      for (const running of recordings.running) {
        if (running.recording.accountId === accountId) await recordings.end(running, 'quota-exceeded');
      }
    }
  }

  async #checkDisk(): Promise<void> {
    const { recordings, files, minFreeBytes } = this.#options;
    if ((await files.freeBytes()) >= minFreeBytes) return;
    await Promise.all(recordings.running.map((running) => recordings.end(running, 'disk-low')));
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(intervalMs, () => {
      this.#checking = this.check().then(() => this.#schedule());
    });
  }

  #schedulePrune(delayMs: number): void {
    if (this.#isClosed) return;
    this.#pruneTimer = this.#options.clock.after(delayMs, () => {
      this.#pruning = this.prune().then((isMore) => this.#schedulePrune(isMore ? 100 : pruneIntervalMs));
    });
  }
}
