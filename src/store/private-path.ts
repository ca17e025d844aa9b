/** Makes directories that nobody but this process's user reads. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMissing } from './file-faults.js';

/**
 * Makes the directory (mode 0700) and what is missing above it; returns whether it was made. Throws the system's error, ENOTDIR
 * where something else stands there. One step at a time: Node's own recursive form never returns where a file system says
 * that a directory to be made in it has no parent, as /proc does.
 */
export function makeDirectories(path: string): boolean {
  try {
    if (statSync(path).isDirectory()) return false;
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (dirname(path) !== path) makeDirectories(dirname(path));
    mkdirSync(path, { mode: 0o700 });
    return true;
  }
  const error: NodeJS.ErrnoException = new Error(`ENOTDIR: not a directory, '${path}'`);
  throw Object.assign(error, { code: 'ENOTDIR', syscall: 'mkdir', path });
}
