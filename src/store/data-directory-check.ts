/** Looks at a data directory as a start would, and changes nothing in it. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'libsql';
import { DataDirectoryInUse } from './data-directory-lock.js';
import { DataDirectoryUnusable, dataDirectoryFault } from './file-faults.js';
import { refuseDamage } from './sqlite/damage-check.js';
import { refuseForeignSchema } from './sqlite/migrations.js';

/**
 * What keeps a gateway from starting over the directory: another one that has it, or a database that is damaged, newer or
 * another program's. Null: nothing, or the directory is not there yet.
 */
export function dataDirectoryTrouble(directory: string): string | null {
  try {
    look(join(directory, 'landbridge.lock'), 'mode=ro', () => undefined);
    const database = join(directory, 'landbridge.db');
    // What was written after the last checkpoint is beside the file, which may not be whole without it.
    if ((sizeOf(`${database}-wal`) ?? 0) > 0) checkBeginning(database);
    else look(database, 'immutable=1', checkDatabase);
    return null;
  } catch (error) {
    if (codeOf(error).startsWith('SQLITE_BUSY')) return new DataDirectoryInUse(directory).message;
    const fault = dataDirectoryFault(error, directory);
    if (fault instanceof DataDirectoryUnusable) return fault.message;
    throw error;
  }
}

/** Reads the file in a way that makes none beside it. */
function look(path: string, how: string, check: (database: Database.Database) => void): void {
  if (!existsSync(path)) return;
  if (statSync(path).isDirectory())
    throw Object.assign(new Error(`EISDIR: ${path}`), { code: 'EISDIR', path });
  const database = new Database(`${pathToFileURL(path).href}?${how}`);
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    check(database);
  } finally {
    database.close();
  }
}

const magic = 'SQLite format 3\0';

/** As every SQLite file begins (https://sqlite.org/fileformat.html §1.3). */
function checkBeginning(path: string): void {
  const beginning = Buffer.alloc(magic.length);
  const file = openSync(path, 'r');
  try {
    readSync(file, beginning, 0, magic.length, 0);
  } finally {
    closeSync(file);
  }
  if (beginning.toString('latin1') !== magic)
    throw Object.assign(new Error('file is not a database'), { code: 'SQLITE_NOTADB' });
}

function checkDatabase(database: Database.Database): void {
  refuseForeignSchema(database);
  refuseDamage(database, Infinity);
}

function sizeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
