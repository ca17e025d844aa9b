/** Tells a file that was changed from the one that was read: also where a link to one is set anew. */
import { statSync } from 'node:fs';

/** Another text for each version of the file; the system's error code where there is none to be read. */
export function fileVersion(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  }
}
