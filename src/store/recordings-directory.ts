/** A directory of recordings belongs to one gateway: another would take its files for left-overs, and remove them. */
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from './durable-directory.js';
import { isMissing } from './file-faults.js';

/** The file that names the directory's owner. */
export const ownerFileName = '.landbridge-owner';

/** The directory cannot be used; the message says what an operator can do about it. */
export class RecordingsDirectoryRefused extends Error {
  override readonly name = 'RecordingsDirectoryRefused';
}

/**
 * Marks the directory as the owner's at its first use; `isUsed` tells that there are recordings already, in it or on record.
 * Throws RecordingsDirectoryRefused where it is another's, or is not the one that was used before.
 */
export async function claimRecordingsDirectory(
  directory: string,
  owner: string,
  isUsed: boolean,
): Promise<void> {
  const path = join(directory, ownerFileName);
  const found = await recordingsOwner(directory);
  if (found === owner) return;
  if (found !== null) {
    throw new RecordingsDirectoryRefused(
      `it belongs to the gateway ${found}; if that is no more, write ${owner} into ${path}`,
    );
  }
  if (isUsed) {
    throw new RecordingsDirectoryRefused(
      `it is not known to hold this gateway’s recordings. Is the right disk mounted? If so, write ${owner} into ${path}`,
    );
  }
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(`${owner}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(directory);
}

/** The gateway whose the directory is; null where it is nobody's, or not there. */
export async function recordingsOwner(directory: string): Promise<string | null> {
  try {
    return (await readFile(join(directory, ownerFileName), 'utf8')).trim();
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
