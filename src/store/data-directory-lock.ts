/** One gateway per data directory: a second one would free the first one's slots at its start. */
import { join } from 'node:path';
import Database from 'libsql';
import { makeDirectories } from './private-path.js';

export class DataDirectoryInUse extends Error {
  override readonly name = 'DataDirectoryInUse';
  constructor(directory: string) {
    super(`The data directory ${directory} is in use by another Landbridge.`);
  }
}

export interface DataDirectoryLock {
  release(): void;
}

/**
 * Creates the directory (mode 0700) and locks it until released. The lock is the kernel's (SQLite's exclusive file lock), so it
 * vanishes with the process, however that ends. Throws DataDirectoryInUse.
 */
export function lockDataDirectory(directory: string): DataDirectoryLock {
  makeDirectories(directory);
  const database = new Database(join(directory, 'landbridge.lock'));
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')) {
      throw new DataDirectoryInUse(directory);
    }
    throw error;
  }
  return {
    release() {
      if (!database.open) return;
      database.exec('ROLLBACK');
      database.close();
    },
  };
}
