import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteConnection } from '../../src/store/sqlite-connection.js';
import { SqliteNumbers } from '../../src/store/sqlite-numbers.js';
import { createSqliteStore } from '../../src/store/sqlite-store.js';
import { SqliteTransfers } from '../../src/store/sqlite-transfers.js';
import { describeVoiceStores } from './voice-store-contract.js';

for (const synchronous of ['normal', 'full'] as const) {
  describeVoiceStores(`Transfers and numbers in SQLite, synchronous ${synchronous}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'landbridge-voice-'));
    const path = join(directory, 'landbridge.db');
    return {
      open() {
        const store = createSqliteStore({ path, synchronous });
        const connection = SqliteConnection.open({ path, synchronous });
        return Promise.resolve({
          store,
          transfers: new SqliteTransfers(connection),
          numbers: new SqliteNumbers(connection),
          async close() {
            connection.close();
            await store.close();
          },
        });
      },
      dispose: () => rm(directory, { recursive: true }),
    };
  });
}
