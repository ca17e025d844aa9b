import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What tells this gateway from others that use the same servers: made once, and kept in its data directory. */
export function nodeName(dataDirectory: string): string {
  const path = join(dataDirectory, 'node-name');
  const kept = readIfThere(path);
  if (kept !== null && /^[\w-]{8,64}$/.test(kept)) return kept;
  const name = randomUUID();
  // Whole or not at all: another name would leave what the last one marked to nobody.
  writeFileSync(`${path}.new`, `${name}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return name;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
