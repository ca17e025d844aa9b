/** A file system that is really full soon. Only root may make one: `smallDiskIsPossible` says whether a test can run. */
import { execFile, execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, writeSync } from 'node:fs';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const prefix = join(tmpdir(), 'landbridge-small-disk-');
const mountArguments = (kilobytes: number, path: string): string[] => [
  ...['-t', 'tmpfs', '-o', `size=${kilobytes}k,mode=0700`],
  ...['tmpfs', path],
];

export const smallDiskIsPossible = ((): boolean => {
  const path = mkdtempSync(prefix);
  try {
    execFileSync('mount', mountArguments(64, path), { stdio: 'ignore' });
    execFileSync('umount', [path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(path);
  }
})();

export interface SmallDisk {
  readonly path: string;
  remove(): Promise<void>;
}

export async function makeSmallDisk(kilobytes: number): Promise<SmallDisk> {
  const path = await mkdtemp(prefix);
  await run('mount', mountArguments(kilobytes, path));
  return {
    path,
    remove: async () => {
      await run('umount', [path]);
      await rmdir(path);
    },
  };
}

/** Writes a file until not an octet more fits. */
export function fill(path: string): void {
  const file = openSync(path, 'w');
  for (const size of [64 * 1024, 4096, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(file);
}
