import { expect, it } from 'vitest';
import { dataDirectoryFault, storeFault } from './file-faults.js';

const failure = (code: string, message: string) => Object.assign(new Error(message), { code });
const directory = '/var/lib/landbridge';

it.each([
  ['SQLITE_FULL', 'database or disk is full', 'is full. Make room on it'],
  ['ENOSPC', 'ENOSPC: no space left on device, fdatasync', 'is full. Make room on it'],
  ['SQLITE_IOERR_WRITE', 'disk I/O error', 'disk I/O error (SQLITE_IOERR_WRITE).'],
  ['EIO', 'EIO: i/o error, fdatasync', 'EIO: i/o error, fdatasync.'],
  ['EMFILE', 'EMFILE: too many open files, open', 'Let the gateway open more (ulimit -n'],
  ['SQLITE_READONLY', 'attempt to write a readonly database', 'its file system is read-only.'],
  ['SQLITE_BUSY', 'database is locked', 'another program keeps its database locked.'],
  ['SQLITE_CORRUPT', 'database disk image is malformed', 'Bring the directory back from a copy'],
])('A store that fails in use (%s, %s) says what to do', (code, message, sentence) => {
  const said = storeFault(failure(code, message), directory);
  expect(said).toContain(sentence);
  expect(said).toContain(directory);
});

it.each([
  ['SQLITE_ERROR', 'no such column: x'],
  ['SQLITE_CONSTRAINT_UNIQUE', 'UNIQUE constraint failed'],
  ['SQLITE_MISUSE', 'bad parameter'],
])('A fault of ours (%s) is none of the machine’s', (code, message) => {
  expect(storeFault(failure(code, message), directory)).toBeNull();
  expect(storeFault(new Error(message), directory)).toBeNull();
});

it('A directory in the place of a file is named, not what was to be put there', () => {
  const error = failure('EISDIR', 'EISDIR: illegal operation on a directory, rename');
  const renamed = Object.assign(error, {
    path: `${directory}/node-name.new`,
    dest: `${directory}/node-name`,
  });
  const fault = dataDirectoryFault(renamed, directory);
  expect(String(fault)).toContain('/node-name is a directory where a file');
});
