import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteConnection } from '../../src/store/sqlite-connection.js';
import { SqliteRecordings } from '../../src/store/sqlite-recordings.js';
import { createSqliteStore } from '../../src/store/sqlite-store.js';
import { describeRecordingStore } from './recording-store-contract.js';

for (const synchronous of ['normal', 'full'] as const) {
  describeRecordingStore(`Recordings in SQLite, synchronous ${synchronous}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'landbridge-recordings-'));
    const path = join(directory, 'landbridge.db');
    return {
      open() {
        const store = createSqliteStore({ path, synchronous });
        const connection = SqliteConnection.open({ path, synchronous });
        return Promise.resolve({
          store,
          recordings: new SqliteRecordings(connection),
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
