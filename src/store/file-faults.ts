/** What the system's and SQLite's errors about files mean to an operator. */
import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The data directory cannot be used as it is; the message says why, and what an operator can do about it. */
export class DataDirectoryUnusable extends Error {
  override readonly name = 'DataDirectoryUnusable';
}

/** Whether the error says that the disk, or our quota of it, is full. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(codeOf(error) ?? '');
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** A DataDirectoryUnusable for what the system or SQLite says of files in the directory; any other error as it is. */
export function dataDirectoryFault(error: unknown, directory: string): unknown {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === null) return error;
  // SQLite says of a full disk what it was doing: an I/O error, or that there is nothing to roll back.
  const isOfRoom = code.startsWith('SQLITE_') && code !== 'SQLITE_NOTADB' && hasNoRoom(directory);
  const why = isFull(error) || isOfRoom ? full : reason(error, code, directory);
  return new DataDirectoryUnusable(`The data directory ${directory} cannot be used: ${why}`, {
    cause: error,
  });
}

/** What is the machine's, not ours: a full disk, one that fails, a file that is gone, locked or damaged. */
const faultsOfMachine =
  /^(?:E[A-Z0-9]+|SQLITE_(?:FULL|IOERR|READONLY|CANTOPEN|NOTADB|CORRUPT|BUSY)(?:_\w+)?)$/;

/** Why a database that was in use fails, and what an operator can do about it; null where that is a fault of ours. */
export function storeFault(error: unknown, directory: string): string | null {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === null) return null;
  if (isFull(error) || (code.startsWith('SQLITE_') && code !== 'SQLITE_NOTADB' && hasNoRoom(directory)))
    return `The disk of the data directory ${directory} is full. Make room on it: writing goes on by itself then, without a restart.`;
  if (!faultsOfMachine.test(code)) return null;
  const why = reason(error, code, directory);
  return `The database in the data directory ${directory} cannot be used: ${why} Where that is mended, it is used again by itself.`;
}

const full = 'its disk is full. Make room on it, or choose another data directory.';

function reason(error: Error, code: string, directory: string): string {
  const { path = fileThatIsNone(directory), dest = path } = error as {
    readonly path?: string;
    readonly dest?: string;
  };
  if (code.startsWith('SQLITE_')) {
    const taken = ['landbridge.db-wal', 'landbridge.db-shm']
      .map((name) => join(directory, name))
      .find(isDirectory);
    if (taken !== undefined) return `${taken} is a directory where a file of Landbridge’s should be.`;
  }
  switch (code) {
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open. Let the gateway open more (ulimit -n, LimitNOFILE of systemd).';
    case 'EEXIST':
    case 'ENOTDIR':
      return `${path} is not a directory, or lies below a file.`;
    case 'EISDIR':
      return `${dest} is a directory where a file of Landbridge’s should be.`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not use ${path}.`;
    case 'EROFS':
    case 'SQLITE_READONLY':
      return 'its file system is read-only.';
    case 'ENOENT':
      return `${path} cannot be made.`;
    case 'SQLITE_NOTADB':
    case 'SQLITE_CORRUPT':
      return (
        'its database is damaged, or a file there named landbridge.db or landbridge.lock is none. ' +
        'Bring the directory back from a copy, or choose another one.'
      );
    case 'SQLITE_BUSY':
      return 'another program keeps its database locked.';
    default:
      return `${error.message}${error.message.includes(code) ? '' : ` (${code})`}.`;
  }
}

/** To read a directory is refused without its name. */
function fileThatIsNone(directory: string): string {
  const files = ['credentials.json', 'node-name'].map((name) => join(directory, name));
  return files.find(isDirectory) ?? 'its path';
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('code' in error && /^(?:E[A-Z0-9]+|SQLITE_\w+)$/.test(String(error.code))) return String(error.code);
  // libsql has no code of its own for a file that SQLite cannot open.
  return error.message.includes('Unable to open connection to local database') ? 'SQLITE_CANTOPEN' : null;
}

function hasNoRoom(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    // Less than what SQLite makes for the index of its log.
    return bavail * bsize < 65_536;
  } catch {
    return false;
  }
}
