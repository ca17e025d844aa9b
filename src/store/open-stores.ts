/** Opens the stores that the configuration names: the only way to them from outside this folder. */
import { join } from 'node:path';
import type { Logger } from '../domain/logger.js';
import { DatabaseHistory } from './database-history.js';
import { openSqliteStores } from './sqlite/sqlite-stores.js';
import type { SqliteSynchronous } from './sqlite/sqlite-connection.js';
import type { Stores } from './stores.js';

export interface StoresOptions {
  /** `sqlite` keeps everything in the data directory, which is locked by whoever opens the stores. */
  readonly store: string;
  readonly dataDir: string;
  readonly sqlite: {
    readonly synchronous: SqliteSynchronous;
    readonly busyTimeoutMs: number;
    /** How long a file that was not left in good order, or was changed since, may be looked through for damage. */
    readonly checkSeconds: number;
  };
  /** Entries that the outbox keeps at most. */
  readonly maxOutboxEntries: number;
  /** Refused calls that are kept for each account, and as many of nobody's. */
  readonly maxRefusedCalls: number;
  /** This gateway's name, under which it holds slots and recordings. */
  readonly node: string;
  readonly logger: Logger;
}

/** Brings what is there up to date. Rejects where it cannot be opened, is damaged, or was written by a newer version. */
export function openStores(options: StoresOptions): Promise<Stores> {
  const { store, dataDir, sqlite, maxOutboxEntries, maxRefusedCalls, node, logger } = options;
  if (store !== 'sqlite') return Promise.reject(new Error(`There is no store of the kind ${store}.`));
  const path = join(dataDir, 'landbridge.db');
  // An error at opening rejects, as it would with a database on another machine.
  return Promise.resolve().then(() => {
    const history = new DatabaseHistory({ directory: dataDir, logger });
    return openSqliteStores({ path, ...sqlite, maxOutboxEntries, maxRefusedCalls, node, history, logger });
  });
}
