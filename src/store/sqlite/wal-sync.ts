/** Brings SQLite's write-ahead log to the disk. */
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type Database from 'libsql';

/**
 * Forces what was committed to SQLite's write-ahead log onto the disk, in a thread of its own: SQLite's own fsync at each
 * commit would hold the event loop, and with it every call, for as long as the disk takes. The log is what recovery reads
 * after a power cut, so a commit lasts as soon as the log does (`PRAGMA synchronous = NORMAL` sees to the order of
 * checkpoints).
 */
export class WalSync {
  readonly #path: string;
  #file: Promise<FileHandle> | null = null;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  /** @param path The database file, which is open in WAL mode for as long as this is used. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves when everything that was committed before the call is on the disk. Calls during one sync share the next. */
  sync(): Promise<void> {
    if (this.#running === null) return this.#begin();
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.#begin();
      });
    return this.#next;
  }

  /** Waits for syncs under way. Idempotent. */
  async close(): Promise<void> {
    while (this.#running !== null) await (this.#next ?? this.#running).catch(() => undefined);
    const file = this.#file;
    this.#file = null;
    await (await file?.catch(() => null))?.close();
  }

  #begin(): Promise<void> {
    const running = this.#sync().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }

  async #sync(): Promise<void> {
    this.#file ??= this.#open();
    try {
      await (await this.#file).datasync();
    } catch (error) {
      // The next sync opens the log anew: the disk may be there again.
      this.#file = null;
      throw error;
    }
  }

  /** Opens the log, and makes its entry in the directory survive a power cut too. */
  async #open(): Promise<FileHandle> {
    const file = await open(`${this.#path}-wal`, 'r+');
    try {
      const directory = await open(dirname(this.#path), 'r');
      await directory.sync().finally(() => directory.close());
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

/** Pages in the log before it is written back. That holds the event loop for some fsyncs, so it should be rare. */
const checkpointPages = 8000;

/** Sets a connection to write-ahead logging; `walSyncOf` decides whether commits are synced. */
export function prepareWal(database: Database.Database): void {
  database.pragma('journal_mode = WAL');
  database.exec('PRAGMA synchronous = NORMAL');
  database.pragma(`wal_autocheckpoint = ${checkpointPages}`);
}

/** Brings all of the log into the database, as far as nobody else reads there, and nothing fails: it is done at the next start then. */
export function writeBack(database: Database.Database): void {
  try {
    // The end of a gateway does not wait for who makes a copy.
    database.exec('PRAGMA busy_timeout = 0');
    database.pragma('wal_checkpoint(TRUNCATE)');
  } catch {
    // Such as a disk that is full.
  }
}

/** `full` where commits must survive a power cut. */
export interface WalOptions {
  readonly path: string;
  readonly synchronous?: 'normal' | 'full';
}

/** Null where commits need not survive a power cut, or nothing survives the process. */
export function walSyncOf({ path, synchronous }: WalOptions): WalSync | null {
  return synchronous === 'full' && path !== ':memory:' ? new WalSync(path) : null;
}
