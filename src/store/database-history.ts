/**
 * What is kept beside the database of how often a gateway has started over it. SQLite takes an empty file for a new database, an older
 * copy for the one that it is a copy of, and a database without its log, or with one that was cut, for whole: nothing in the file tells.
 */
import { existsSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../domain/logger.js';
import { hasLostCommits } from './sqlite/log-loss.js';

interface FileState {
  readonly size: number;
  readonly mtimeMs: number;
}

interface KeptHistory {
  /** Starts over this database so far. */
  readonly starts: number;
  /** The file as the last of them left it; null where it did not close it in good order. */
  readonly closed: FileState | null;
}

export interface HistoryOptions {
  readonly directory: string;
  readonly logger: Logger;
}

const remedy = 'to have that back, stop the gateway and bring landbridge.db back from a copy';
const warnings = {
  empty: `the database is empty or was removed, though its directory was used before: sessions, numbers, trunks and records are gone; ${remedy}`,
  cut: `the write-ahead log of the database was cut, damaged or removed: what was written last is not in it; ${remedy}`,
  older: `the database is an older copy, or has lost its write-ahead log: what was written since is not in it; ${remedy}`,
};
/** Who opens the database and closes it writes the log back and removes it; nothing in the file tells that from a loss. */
const noLog =
  'the gateway was not stopped in good order, and no write-ahead log (landbridge.db-wal) is beside its database: whether that was written back as the database was closed, or removed, cannot be told';

/** To be made with the directory locked, before the database in it is opened. */
export class DatabaseHistory {
  /** Nobody has touched the file since it was closed in good order. */
  readonly isAsItWasLeft: boolean;
  readonly #path: string;
  readonly #database: string;
  readonly #logger: Logger;
  readonly #before: KeptHistory | null;
  readonly #wasEmptied: boolean;
  readonly #isCut: boolean;
  readonly #hasNoLog: boolean;
  #starts = 0;

  constructor({ directory, logger }: HistoryOptions) {
    this.#database = join(directory, 'landbridge.db');
    this.#path = join(directory, 'database-history.json');
    this.#logger = logger;
    this.#before = readHistory(this.#path);
    const { size, mtimeMs } = stateOf(this.#database);
    const hasLog = stateOf(`${this.#database}-wal`).size > 0;
    const closed = this.#before?.closed ?? null;
    this.isAsItWasLeft = !hasLog && closed?.size === size && closed.mtimeMs === mtimeMs;
    // What is kept is written when there is a database, also where it cannot be read any more.
    this.#wasEmptied = size === 0 && !hasLog && existsSync(this.#path);
    this.#isCut = hasLostCommits(this.#database);
    this.#hasNoLog = !hasLog && this.#before !== null && closed === null;
  }

  /** The database can be used, and says how many starts it has seen. What is wrong, or may be, is told once, in one line; the number of this start. */
  opened(startsSeen: number): number {
    const starts = this.#before?.starts ?? 0;
    const warning = this.#warning(startsSeen < starts);
    if (warning !== null) this.#logger.warn({ path: this.#database }, warning);
    else if (this.#hasNoLog) this.#logger.info({ path: this.#database }, noLog);
    this.#starts = Math.max(starts, startsSeen) + 1;
    return this.#starts;
  }

  #warning(hasFewerStarts: boolean): string | null {
    if (this.#wasEmptied) return warnings.empty;
    // What was lost of the log may be this very number.
    if (this.#isCut) return warnings.cut;
    return hasFewerStarts ? warnings.older : null;
  }

  /** The database has this start's number. Throws the system's error. */
  keep(): void {
    this.#write(null);
  }

  /** It was closed in good order. */
  closed(): void {
    try {
      this.#write(stateOf(this.#database));
    } catch {
      // Where nothing can be written, such as on a full disk: rather nothing than what is wrong.
      try {
        unlinkSync(this.#path);
      } catch {
        // The next start may warn without need.
      }
    }
  }

  #write(closed: FileState | null): void {
    const kept: KeptHistory = { starts: this.#starts, closed };
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(kept)}\n`, { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }
}

/** Null where there is none, or it is damaged. */
function readHistory(path: string): KeptHistory | null {
  try {
    const { starts, closed } = JSON.parse(readFileSync(path, 'utf8')) as Partial<KeptHistory>;
    if (!Number.isSafeInteger(starts) || closed === undefined) return null;
    return { starts: Number(starts), closed };
  } catch {
    return null;
  }
}

/** A file that is not there is as an empty one. */
function stateOf(path: string): FileState {
  const { size = 0, mtimeMs = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return { size, mtimeMs };
}
