/** SQLite transactions that report their first error. */
import type Database from 'libsql';

/**
 * Runs the work as one transaction, which takes the write lock at once: a read that becomes a write could not be retried.
 * Throws what went wrong first. SQLite rolls back by itself where the disk is full; libsql's own wrapper rolls back once
 * more then, and its complaint about that hides the cause.
 */
export function immediately<T>(database: Database.Database, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.inTransaction) rollBack(database);
    throw error;
  }
}

function rollBack(database: Database.Database): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // The error that led here is the one to report.
  }
}
