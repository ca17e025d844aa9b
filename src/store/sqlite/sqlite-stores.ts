/** All stores in one SQLite file (or in memory), over one connection: nothing else to install. */
import type { DatabaseHistory } from '../database-history.js';
import type { Stores } from '../stores.js';
import { SqliteAbandonment } from './sqlite-abandonment.js';
import { SqliteCallRecords } from './sqlite-call-records.js';
import { SqliteConnection, type SqliteOptions } from './sqlite-connection.js';
import { SqliteNumbers } from './sqlite-numbers.js';
import { SqliteOutbox } from './sqlite-outbox.js';
import { SqliteParticipants } from './sqlite-participants.js';
import { SqliteRecordings } from './sqlite-recordings.js';
import { SqliteTransfers } from './sqlite-transfers.js';
import { SqliteTrunks } from './sqlite-trunks.js';
import { SqliteWebhooks } from './sqlite-webhooks.js';

export interface SqliteStoresOptions extends SqliteOptions {
  /** Entries that the outbox keeps at most. Default 100000. */
  readonly maxOutboxEntries?: number;
  /** Refused calls that are kept for each account, and as many of nobody's. Default 10000. */
  readonly maxRefusedCalls?: number;
  /**
   * The name of the only gateway that uses the file. Slots and recordings that are held under any other name (an earlier
   * version's, or a former one of this gateway) become its own, so that its start frees them. Default: none do.
   */
  readonly node?: string;
  /** What is kept of the file beside it. Default: nothing is. */
  readonly history?: DatabaseHistory;
}

/** Brings the schema up to date. Throws where the file cannot be opened, is damaged, or is from a newer version. */
export function openSqliteStores(options: SqliteStoresOptions): Stores {
  const { history, checkSeconds = 0 } = options;
  const connection = SqliteConnection.open({
    ...options,
    // What nobody has touched since needs no look, which would take its time at each start.
    checkSeconds: history?.isAsItWasLeft === true ? 0 : checkSeconds,
  });
  try {
    if (history !== undefined) countStart(connection, history);
    if (options.node !== undefined) adopt(connection, options.node);
    return {
      participants: new SqliteParticipants(connection),
      outbox: new SqliteOutbox(connection, options.maxOutboxEntries),
      webhooks: new SqliteWebhooks(connection),
      records: new SqliteCallRecords(connection, options.maxRefusedCalls),
      abandonment: new SqliteAbandonment(connection),
      transfers: new SqliteTransfers(connection),
      numbers: new SqliteNumbers(connection),
      recordings: new SqliteRecordings(connection),
      trunks: new SqliteTrunks(connection),
      checkWritable: () => connection.checkWritable(),
      settled: () => connection.settled(),
      close: async () => {
        await connection.close();
        history?.closed();
      },
    };
  } catch (error) {
    void connection.close();
    throw error;
  }
}

function adopt(connection: SqliteConnection, node: string): void {
  connection.prepare('UPDATE participants SET node_id = ?1 WHERE node_id <> ?1').run(node);
  connection
    .prepare(`UPDATE recordings SET node_id = ?1 WHERE state = 'recording' AND node_id <> ?1`)
    .run(node);
}

function countStart(connection: SqliteConnection, history: DatabaseHistory): void {
  const seen = connection.prepare('SELECT starts FROM history').get() as { starts: number } | undefined;
  const starts = history.opened(seen?.starts ?? 0);
  connection.prepare('INSERT OR REPLACE INTO history VALUES (1, ?)').run(starts);
  history.keep();
}
