/** A connection to the gateway's SQLite file, for stores that share it. */
import Database from 'libsql';
import { DomainError } from '../domain/domain-error.js';
import { silentLogger, type Logger } from '../domain/logger.js';
import { migrate } from './migrations.js';
import type { SqliteStoreOptions } from './sqlite-store.js';
import { immediately } from './transaction.js';

export class SqliteConnection {
  readonly #database: Database.Database;
  readonly #logger: Logger;

  private constructor(database: Database.Database, logger: Logger) {
    this.#database = database;
    this.#logger = logger;
  }

  /** Opens the database and brings its schema up to date. Throws where the file cannot be opened or is from a newer version. */
  static open(options: SqliteStoreOptions): SqliteConnection {
    const database = new Database(options.path);
    try {
      database.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs ?? 5000}`);
      database.pragma('journal_mode = WAL');
      database.exec(`PRAGMA synchronous = ${options.synchronous ?? 'normal'}`);
      migrate(database);
      return new SqliteConnection(database, options.logger ?? silentLogger);
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
    try {
      // libsql lets statements outlive their connection, so a closed one must refuse by itself.
      if (!this.#database.open) throw new Error('The store is closed.');
      return Promise.resolve(work());
    } catch (error) {
      this.#logger.error({ err: error }, 'store unavailable');
      return Promise.reject(new DomainError('store-unavailable', 'The store cannot be reached'));
    }
  }

  /** Several statements as one transaction, which takes the write lock at once. */
  atomically<T>(work: () => T): Promise<T> {
    return this.run(() => immediately(this.#database, work));
  }

  /** Idempotent. */
  close(): void {
    if (this.#database.open) this.#database.close();
  }
}
