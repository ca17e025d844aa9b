/** Everything kept about what happened, over one connection: outbox, webhooks, call detail records, activity. */
import { SqliteAbandonment } from './sqlite-abandonment.js';
import { SqliteCallRecords } from './sqlite-call-records.js';
import { SqliteConnection } from './sqlite-connection.js';
import { SqliteOutbox, type SqliteOutboxOptions } from './sqlite-outbox.js';
import type { SqliteStoreOptions } from './sqlite-store.js';
import { SqliteWebhooks } from './sqlite-webhooks.js';

export interface SqliteJournal {
  /** For others that keep their own in the same file. */
  readonly connection: SqliteConnection;
  readonly outbox: SqliteOutbox;
  readonly webhooks: SqliteWebhooks;
  readonly records: SqliteCallRecords;
  readonly abandonment: SqliteAbandonment;
  /** Idempotent. */
  close(): void;
}

/** Opens the database and brings its schema up to date. Throws where the file cannot be opened or is from a newer version. */
export function openSqliteJournal(options: SqliteStoreOptions & SqliteOutboxOptions): SqliteJournal {
  const connection = SqliteConnection.open(options);
  return {
    connection,
    outbox: new SqliteOutbox(connection, options),
    webhooks: new SqliteWebhooks(connection),
    records: new SqliteCallRecords(connection),
    abandonment: new SqliteAbandonment(connection),
    close: () => connection.close(),
  };
}
