/**
 * The one connection to the gateway's SQLite file. All stores share it, and with it one group commit and one sync of the
 * write-ahead log: what they write in one turn of the event loop costs one transaction, whoever wrote it.
 */
import { dirname } from 'node:path';
import Database from 'libsql';
import { DomainError } from '../../domain/domain-error.js';
import { silentLogger, type Logger } from '../../domain/logger.js';
import { storeFault } from '../file-faults.js';
import { refuseDamage } from './damage-check.js';
import { GroupCommit } from './group-commit.js';
import { migrate, schemaVersion } from './migrations.js';
import { prepareWal, walSyncOf, writeBack, type WalSync } from './wal-sync.js';

/**
 * `normal`: a commit is in the kernel's hands before it is acknowledged, so `kill -9` loses nothing; a power cut may
 * lose the last commits, never the file's consistency. `full`: each commit is brought to the disk at once, and `settled`
 * tells when it is there; the gateway does other things meanwhile, and what is written in that time shares the next sync.
 */
export type SqliteSynchronous = 'normal' | 'full';

export interface SqliteOptions {
  /** File, or `:memory:`. */
  readonly path: string;
  /** Default `normal`. */
  readonly synchronous?: SqliteSynchronous;
  /** How long a statement waits for another process's write. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** How long it may be looked through for damage before it is used, the smallest tables first. Default: it is not. */
  readonly checkSeconds?: number;
  /** `checkWritable` writes where no write was tried for this long. Default 1000. */
  readonly writableForMs?: number;
  /** Learns why the store was unavailable, once for each cause, and when it is available again. */
  readonly logger?: Logger;
}

/** Causes that are logged of one failure: more differ in their wording alone. */
const maxToldCauses = 20;

/**
 * Every method that takes work rejects with DomainError `store-unavailable` where the database fails; a DomainError that
 * the work throws passes through. Work is synchronous and uses statements of `prepare`.
 */
export class SqliteConnection {
  readonly #database: Database.Database;
  readonly #logger: Logger;
  readonly #writableForMs: number;
  readonly #wal: WalSync | null;
  readonly #directory: string;
  readonly #commits: GroupCommit;
  /** The sync that covers every commit so far. */
  #synced: Promise<void> = Promise.resolve();
  /** How the last write went, and when. */
  #lastWrite: { readonly at: number; readonly fault: DomainError | null } = { at: -Infinity, fault: null };
  /** The causes that were logged; none while writes succeed. A full disk has several, in turn. */
  readonly #toldCauses = new Set<string>();
  #closing: Promise<void> | null = null;

  private constructor(database: Database.Database, options: SqliteOptions) {
    this.#database = database;
    this.#logger = options.logger ?? silentLogger;
    this.#writableForMs = options.writableForMs ?? 1000;
    this.#wal = walSyncOf(options);
    this.#directory = dirname(options.path);
    this.#commits = new GroupCommit(database, () => this.#committed());
  }

  /** Opens the database and brings its schema up to date. Throws where the file cannot be opened, is damaged, or is from a newer version. */
  static open(options: SqliteOptions): SqliteConnection {
    const database = new Database(options.path);
    try {
      database.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs ?? 5000}`);
      prepareWal(database);
      refuseDamage(database, options.checkSeconds ?? 0, { logger: options.logger ?? silentLogger });
      database.exec('PRAGMA foreign_keys = ON');
      migrate(database);
      return new SqliteConnection(database, options);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  prepare(text: string): Database.Statement {
    return this.#database.prepare(text);
  }

  /** Work that only reads; it is done at once, between two transactions. */
  read<T>(work: () => T): Promise<T> {
    try {
      this.#mustBeOpen();
      return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(this.#refusal(error));
    }
  }

  /** One statement that writes, done at once in a transaction of its own; resolves as `writeDurably` does. */
  run<T>(work: () => T): Promise<T> {
    return this.#noted(async () => {
      this.#mustBeOpen();
      const result = work();
      this.#committed();
      await this.#synced;
      return result;
    });
  }

  /**
   * Work as one transaction, which shares its commit with what else is written in this turn (see `GroupCommit`). Resolves
   * after the commit: the result outlives the process. `settled` tells when it survives a power cut, where it is to.
   */
  write<T>(work: () => T): Promise<T> {
    return this.#noted(() => {
      this.#mustBeOpen();
      return this.#commits.write(work);
    });
  }

  /** As `write`, but resolves when the result survives what commits are configured to survive. */
  writeDurably<T>(work: () => T): Promise<T> {
    return this.#noted(async () => {
      this.#mustBeOpen();
      const result = await this.#commits.write(work);
      await this.#synced;
      return result;
    });
  }

  /** Resolves where writes succeed, and rejects where they fail; writes by itself only where nobody else has tried to lately. */
  async checkWritable(): Promise<void> {
    const { at, fault } = this.#lastWrite;
    if (performance.now() - at >= this.#writableForMs) {
      // The version that the database has already: SQLite writes the page all the same.
      await this.write(() => this.#database.exec(`PRAGMA user_version = ${schemaVersion}`));
    } else if (fault !== null) {
      throw fault;
    }
  }

  /** Resolves when every write so far survives what commits are configured to survive. */
  async settled(): Promise<void> {
    try {
      await this.#synced;
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  /** Writes what waits, then refuses everything. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#commits.flush();
    try {
      await this.#wal?.close();
      // libsql may do it later, at the end of the process; what stands beside the file knows it as it is now.
      writeBack(this.#database);
    } finally {
      this.#database.close();
    }
  }

  #committed(): void {
    if (this.#wal === null) return;
    this.#synced = this.#wal.sync();
    // Whoever awaits it hears of a failure; where nobody does, it is not an unhandled one.
    this.#synced.catch(() => undefined);
  }

  async #noted<T>(write: () => Promise<T>): Promise<T> {
    try {
      const result = await write();
      this.#lastWrite = { at: performance.now(), fault: null };
      if (this.#toldCauses.size > 0) this.#logger.info({}, 'store available again');
      this.#toldCauses.clear();
      return result;
    } catch (error) {
      const refusal = this.#refusal(error);
      if (refusal !== error) this.#lastWrite = { at: performance.now(), fault: refusal };
      throw refusal;
    }
  }

  /** libsql lets statements outlive their connection, so a closed one must refuse by itself. */
  #mustBeOpen(): void {
    if (this.#closing !== null) throw new Error('The store is closed.');
  }

  /** A DomainError (the work found a rule broken) is no failure of the store, and passes through. */
  #refusal(error: unknown): DomainError {
    if (error instanceof DomainError) return error;
    const cause = storeFault(error, this.#directory);
    const told = cause ?? String(error);
    if (!this.#toldCauses.has(told) && this.#toldCauses.size < maxToldCauses) {
      this.#toldCauses.add(told);
      // The place in our code is of use only where the fault is ours.
      this.#logger.error(cause === null ? { err: error } : { cause }, 'store unavailable');
    }
    return new DomainError('store-unavailable', 'The store cannot be reached');
  }
}
