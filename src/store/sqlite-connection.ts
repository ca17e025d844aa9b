/** A connection to the gateway's SQLite file, for stores that share it. */
import Database from 'libsql';
import { DomainError } from '../domain/domain-error.js';
import { silentLogger, type Logger } from '../domain/logger.js';
import { GroupCommit } from './group-commit.js';
import { migrate } from './migrations.js';
import type { SqliteStoreOptions } from './sqlite-store.js';
import { prepareWal, type WalSync, walSyncOf } from './wal-sync.js';

export class SqliteConnection {
  readonly #database: Database.Database;
  readonly #logger: Logger;
  readonly #wal: WalSync | null;
  readonly #commits: GroupCommit;
  readonly #totalChanges: Database.Statement;

  private constructor(database: Database.Database, options: SqliteStoreOptions) {
    this.#database = database;
    this.#logger = options.logger ?? silentLogger;
    this.#wal = walSyncOf(options);
    this.#commits = new GroupCommit(database);
    this.#totalChanges = database.prepare('SELECT total_changes() AS changes');
  }

  /** Opens the database and brings its schema up to date. Throws where the file cannot be opened or is from a newer version. */
  static open(options: SqliteStoreOptions): SqliteConnection {
    const database = new Database(options.path);
    try {
      database.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs ?? 5000}`);
      prepareWal(database);
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

  /** Work of one statement, which is atomic by itself. Rejects with DomainError `store-unavailable`. */
  run<T>(work: () => T): Promise<T> {
    return this.#reach(async () => {
      if (this.#wal === null) return work();
      const before = this.#changes;
      const result = work();
      if (this.#changes !== before) await this.#wal.sync();
      return result;
    });
  }

  /**
   * Several statements as one transaction; those of one turn share its commit (see `GroupCommit`). Rejects with DomainError
   * `store-unavailable`.
   */
  atomically<T>(work: () => T): Promise<T> {
    return this.#reach(async () => {
      const result = await this.#commits.write(work);
      await this.#wal?.sync();
      return result;
    });
  }

  async #reach<T>(work: () => Promise<T>): Promise<T> {
    try {
      // libsql lets statements outlive their connection, so a closed one must refuse by itself.
      if (!this.#database.open) throw new Error('The store is closed.');
      return await work();
    } catch (error) {
      this.#logger.error({ err: error }, 'store unavailable');
      throw new DomainError('store-unavailable', 'The store cannot be reached');
    }
  }

  /** Rows changed so far, by which a write is told from a read. */
  get #changes(): number {
    return (this.#totalChanges.get() as { changes: number }).changes;
  }

  /** Idempotent. What waits for the disk does so on. */
  close(): void {
    this.#commits.flush();
    if (this.#database.open) this.#database.close();
    void this.#wal?.close();
  }
}
