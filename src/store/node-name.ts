/** The name of this gateway, under which it holds slots, recordings and channels in FreeSWITCH. */
import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Made once and kept in the data directory; no other gateway has the same. */
export function nodeName(dataDirectory: string): string {
  const path = join(dataDirectory, 'node-name');
  const kept = keptNodeName(dataDirectory);
  if (kept !== null) return kept;
  const name = randomUUID();
  // Written whole or not at all: under another name, what this one holds would belong to nobody.
  writeFileSync(`${path}.new`, `${name}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return name;
}

/** Null where none was made yet, or it is damaged. */
export function keptNodeName(dataDirectory: string): string | null {
  const kept = readIfThere(join(dataDirectory, 'node-name'));
  return kept !== null && /^[\w-]{8,64}$/.test(kept) ? kept : null;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
