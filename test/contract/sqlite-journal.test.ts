import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteJournal } from '../../src/store/sqlite-journal.js';
import { createSqliteStore } from '../../src/store/sqlite-store.js';
import { describeJournal } from './journal-contract.js';

describeJournal('SQLite journal', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'landbridge-journal-'));
  const path = join(directory, 'landbridge.db');
  const maxEntries = 10;
  return {
    maxEntries,
    open() {
      const journal = openSqliteJournal({ path, maxEntries });
      const store = createSqliteStore({ path });
      return Promise.resolve({
        ...journal,
        store,
        async close() {
          await store.close();
          journal.close();
        },
      });
    },
    dispose: () => rm(directory, { recursive: true }),
  };
});
