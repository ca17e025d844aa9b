import {
  copyFileSync,
  mkdtempSync,
  openSync,
  closeSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasLostCommits } from './log-loss.js';
import { prepareWal } from './wal-sync.js';

const frame = 24 + 4096;
let directory: string;
let open: Database.Database;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'landbridge-log-'));
  open = new Database(join(directory, 'a.db'));
  prepareWal(open);
  open.exec('CREATE TABLE t (text TEXT)');
  open.pragma('wal_checkpoint(TRUNCATE)');
});
afterEach(() => {
  open.close();
  rmSync(directory, { recursive: true });
});

function write(commits: number): void {
  const insert = open.prepare('INSERT INTO t VALUES (?)');
  for (let n = 0; n < commits; n++) insert.run('x'.repeat(3000));
}

/** The files as they are at this moment, as a kill leaves them. */
function killed(): string {
  for (const end of ['', '-wal', '-shm'])
    copyFileSync(join(directory, `a.db${end}`), join(directory, `killed.db${end}`));
  return join(directory, 'killed.db');
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

describe('a write-ahead log has lost nothing', () => {
  it('after a kill', () => {
    write(20);
    expect(hasLostCommits(killed())).toBe(false);
  });

  it('where it was begun anew, and what stands behind its end is of before', () => {
    write(50);
    open.pragma('wal_checkpoint(RESTART)');
    expect(hasLostCommits(killed())).toBe(false);
    write(3);
    expect(hasLostCommits(killed())).toBe(false);
  });

  it('where it was written back and removed', () => {
    write(20);
    open.pragma('wal_checkpoint(TRUNCATE)');
    expect(hasLostCommits(killed())).toBe(false);
    const path = killed();
    rmSync(`${path}-wal`);
    expect(hasLostCommits(path)).toBe(false);
  });

  it('where it was removed when all of it was in the database', () => {
    write(20);
    open.pragma('wal_checkpoint(FULL)');
    const path = killed();
    rmSync(`${path}-wal`);
    expect(hasLostCommits(path)).toBe(false);
  });

  it.each<[string, (path: string) => void]>([
    ['without an index', (path) => rmSync(`${path}-shm`)],
    ['with an index that is cut', (path) => truncateSync(`${path}-shm`, 60)],
    ['with an index of zeros', (path) => overwrite(`${path}-shm`, 0, Buffer.alloc(136))],
    ['with an index whose writer was interrupted', (path) => overwrite(`${path}-shm`, 16, Buffer.from([99]))],
    [
      'with what a write that was interrupted left behind it',
      (path) => overwrite(`${path}-wal`, statSync(`${path}-wal`).size, Buffer.alloc(999, 7)),
    ],
  ])('as far as one can tell %s', (_what, spoil) => {
    write(20);
    const path = killed();
    spoil(path);
    expect(hasLostCommits(path)).toBe(false);
  });
});

describe('a write-ahead log has lost commits', () => {
  it.each<[string, (path: string, size: number) => void]>([
    ['that is cut in its middle', (path, size) => truncateSync(path, Math.floor(size / 2))],
    ['that is cut between two commits', (path, size) => truncateSync(path, size - frame)],
    ['that was removed', (path) => rmSync(path)],
    ['that was emptied', (path) => truncateSync(path)],
    ['that is cut within its head', (path) => truncateSync(path, 20)],
    ['that is cut behind its head', (path) => truncateSync(path, 32)],
    [
      'of which a page is overwritten',
      (path) => overwrite(path, 32 + 5 * frame + 2000, Buffer.alloc(8, 0x5a)),
    ],
    ['whose last page is overwritten', (path, size) => overwrite(path, size - 100, Buffer.alloc(8, 0x5a))],
  ])('%s', (_what, spoil) => {
    write(20);
    const path = killed();
    spoil(`${path}-wal`, statSync(`${path}-wal`).size);
    expect(hasLostCommits(path)).toBe(true);
    const seen = new Database(path).prepare('SELECT count(*) AS count FROM t').get() as { count: number };
    expect(seen.count).toBeLessThan(20);
  });
});
