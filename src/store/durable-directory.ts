/** Directories of ours whose entries outlive the process: nobody else reads them. */
import { chmodSync, mkdirSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';

export function makePrivateDirectory(path: string): void {
  const made = mkdirSync(path, { recursive: true, mode: 0o700 });
  // The umask may have taken from it, or an operator given to it before.
  if (made !== undefined) chmodSync(path, 0o700);
}

/** Names that came, went or changed outlive a power cut then. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** False where there is none of the name. */
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

/** The disk, or what we may have of it, is used up. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOSPC', 'EDQUOT'].includes(String(error.code));
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
