import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataDirectoryInUse, lockDataDirectory } from '../../src/store/data-directory-lock.js';
import { silentLogger } from '../../src/domain/logger.js';
import { createSqliteStore } from '../../src/store/sqlite-store.js';
import { describeStore, newParticipant, newSession } from './store-contract.js';

const libsql = createRequire(import.meta.url).resolve('libsql');

for (const synchronous of ['normal', 'full'] as const) {
  describeStore(`SQLite store, synchronous ${synchronous}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'landbridge-store-'));
    return {
      open: () => Promise.resolve(createSqliteStore({ path: join(directory, 'landbridge.db'), synchronous })),
      dispose: () => rm(directory, { recursive: true }),
    };
  });
}

describe('SQLite files', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'landbridge-store-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('in memory need no file', async () => {
    const store = createSqliteStore({ path: ':memory:' });
    const session = newSession();
    await store.createSession(session);
    expect(await store.listSessions(session.accountId, 5)).toEqual([session]);
    await store.close();
  });

  it('of a newer version are refused and left alone', () => {
    const path = join(directory, 'landbridge.db');
    const database = new Database(path);
    database.exec('PRAGMA user_version = 1000');
    database.close();
    expect(() => createSqliteStore({ path })).toThrow(/schema version 1000/);
  });

  it('that are no database are refused', () => {
    expect(() => createSqliteStore({ path: directory })).toThrow();
  });

  it('that another connection keeps locked make the store unavailable, not wrong', async () => {
    const path = join(directory, 'landbridge.db');
    const store = createSqliteStore({ path, busyTimeoutMs: 1 });
    const blocker = new Database(path);
    blocker.exec('BEGIN IMMEDIATE');
    const participant = newParticipant();
    await expect(store.createParticipant(participant, 'hash', 1)).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    await expect(
      store.claimSlot(participant.id, {
        legId: 'leg-1',
        nodeId: 'node-1',
        now: 1,
        maxLegsInSession: 20,
      }),
    ).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    expect(await store.findParticipant(participant.id)).toBeNull();
    blocker.exec('ROLLBACK');
    blocker.close();
    await store.createParticipant(participant, 'hash', 1);
    expect(await store.findParticipant(participant.id)).toEqual(participant);
    await store.close();
  });

  it('that cannot be written say so until they can, and why in the log', async () => {
    const path = join(directory, 'landbridge.db');
    const causes: string[] = [];
    const error = ({ err }: { err?: unknown }) => void causes.push(String(err));
    const logger = { ...silentLogger, error };
    const store = createSqliteStore({ path, busyTimeoutMs: 1, writableForMs: 0, logger });
    await store.checkWritable();
    const blocker = new Database(path);
    blocker.exec('BEGIN IMMEDIATE');
    await expect(store.checkWritable()).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(await store.findParticipant(newParticipant().id)).toBeNull();
    expect(causes).toEqual([expect.stringContaining('database is locked')]);
    blocker.exec('ROLLBACK');
    blocker.close();
    await store.checkWritable();
    await store.close();
    expect(causes).toHaveLength(1);
  });

  it('that could not be written a moment ago are not tried again at every question', async () => {
    const path = join(directory, 'landbridge.db');
    const store = createSqliteStore({ path, busyTimeoutMs: 1, writableForMs: 60_000 });
    const blocker = new Database(path);
    blocker.exec('BEGIN IMMEDIATE');
    await expect(store.createSession(newSession())).rejects.toMatchObject({ code: 'store-unavailable' });
    blocker.exec('ROLLBACK');
    blocker.close();
    await expect(store.checkWritable()).rejects.toMatchObject({ code: 'store-unavailable' });
    await store.createSession(newSession());
    await store.checkWritable();
    await store.close();
  });

  it('lose nothing that was acknowledged when the process is killed', async () => {
    const path = join(directory, 'landbridge.db');
    await createSqliteStore({ path }).close();
    const writer = spawn(
      process.execPath,
      [
        '-e',
        `const database = new (require(${JSON.stringify(libsql)}))(${JSON.stringify(path)});
         database.pragma('journal_mode = WAL');
         database.exec('PRAGMA synchronous = normal');
         const insert = database.prepare("INSERT INTO sessions VALUES (?, 'acme', NULL, 1)");
         for (let i = 0; ; i++) { insert.run(String(i)); require('fs').writeSync(1, i + '\\n'); }`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let acknowledged = '';
    writer.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      acknowledged += chunk;
      if (acknowledged.length > 5_000) writer.kill('SIGKILL');
    });
    await once(writer, 'close');
    const store = createSqliteStore({ path });
    const last = acknowledged.trim().split('\n').length - 1;
    expect(last).toBeGreaterThan(100);
    expect(await store.getSession('acme', String(last))).not.toBeNull();
    expect((await store.listSessions('acme', 1_000_000)).length).toBeGreaterThanOrEqual(last + 1);
    await store.close();
  });
});

describe('A data directory', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'landbridge-lock-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('is used by one gateway at a time', () => {
    const lock = lockDataDirectory(join(directory, 'data'));
    expect(() => lockDataDirectory(join(directory, 'data'))).toThrow(DataDirectoryInUse);
    lock.release();
    lock.release();
    lockDataDirectory(join(directory, 'data')).release();
  });

  it('is locked against other processes, and free again when its owner is killed', async () => {
    lockDataDirectory(directory).release();
    const owner = spawn(
      process.execPath,
      [
        '-e',
        `const database = new (require(${JSON.stringify(libsql)}))(${JSON.stringify(join(directory, 'landbridge.lock'))});
         database.exec('BEGIN EXCLUSIVE'); console.log('locked'); setInterval(() => database.open, 1000);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(owner.stdout, 'data');
    expect(() => lockDataDirectory(directory)).toThrow(/is in use by another Landbridge/);
    owner.kill('SIGKILL');
    await once(owner, 'close');
    lockDataDirectory(directory).release();
  });
});
