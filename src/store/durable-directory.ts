/** Private directories whose entries survive a power cut: nobody but this process's user reads them. */
import { chmodSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { isMissing } from './file-faults.js';
import { makeDirectories } from './private-path.js';

export function makePrivateDirectory(path: string): void {
  // The umask may have taken permissions away.
  if (makeDirectories(path)) chmodSync(path, 0o700);
}

/** Makes the directory's entries survive a power cut: files that were created, renamed or removed in it. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Removes a file so that it stays removed after a power cut. Resolves with false where there was none. */
export async function removeDurably(directory: string, path: string): Promise<boolean> {
  try {
    await unlink(path);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  await syncDirectory(directory);
  return true;
}
