import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WalSync, writeBack } from './wal-sync.js';

describe('a sync of the write-ahead log', () => {
  let directory: string;
  let database: Database.Database;
  let wal: WalSync;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'landbridge-wal-'));
    const path = join(directory, 'test.db');
    database = new Database(path);
    database.pragma('journal_mode = WAL');
    database.exec('CREATE TABLE t (n INTEGER)');
    wal = new WalSync(path);
  });
  afterEach(async () => {
    await wal.close();
    if (database.open) database.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('resolves however many ask, one after the other or at once', async () => {
    await wal.sync();
    const done: number[] = [];
    await Promise.all(Array.from({ length: 20 }, (_, i) => wal.sync().then(() => done.push(i))));
    expect(done).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('rejects where there is no log, and works once there is', async () => {
    const other = new WalSync(join(directory, 'other.db'));
    await expect(other.sync()).rejects.toThrow('ENOENT');
    const late = new Database(join(directory, 'other.db'));
    late.pragma('journal_mode = WAL');
    late.exec('CREATE TABLE t (n INTEGER)');
    await other.sync();
    await other.close();
    late.close();
  });

  it('closes after the syncs under way, as often as asked', async () => {
    let isDone = false;
    void wal.sync();
    void wal.sync().then(() => (isDone = true));
    await wal.close();
    expect(isDone).toBe(true);
    await wal.close();
  });

  it('is written back whole where nobody reads, and nobody who reads is waited for', () => {
    const sizeOfLog = () => statSync(join(directory, 'test.db-wal')).size;
    database.exec('PRAGMA busy_timeout = 20000; INSERT INTO t VALUES (1)');
    const reader = new Database(join(directory, 'test.db'));
    reader.exec('BEGIN');
    reader.prepare('SELECT n FROM t').all();
    database.exec('INSERT INTO t VALUES (2)');
    const beganMs = performance.now();
    writeBack(database);
    expect(performance.now() - beganMs).toBeLessThan(10_000);
    expect(sizeOfLog()).toBeGreaterThan(0);
    reader.exec('COMMIT');
    writeBack(database);
    expect(sizeOfLog()).toBe(0);
    reader.close();
  });
});
