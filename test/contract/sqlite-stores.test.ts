import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { DataDirectoryInUse, lockDataDirectory } from '../../src/store/data-directory-lock.js';
import { silentLogger } from '../../src/domain/logger.js';
import { openSqliteStores } from '../../src/store/sqlite/sqlite-stores.js';
import { newParticipant, newSession } from './participant-store-contract.js';
import { describeStores } from './stores-contract.js';

const libsql = createRequire(import.meta.url).resolve('libsql');

for (const synchronous of ['normal', 'full'] as const) {
  describeStores(`SQLite, synchronous ${synchronous}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'landbridge-store-'));
    const limits = { maxOutboxEntries: 10, maxRefusedCalls: 3 };
    const options = { path: join(directory, 'landbridge.db'), synchronous, ...limits };
    return {
      ...options,
      open: () => Promise.resolve(openSqliteStores(options)),
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
    const stores = openSqliteStores({ path: ':memory:' });
    const session = newSession();
    await stores.participants.createSession(session);
    expect(await stores.participants.listSessions(session.accountId, 5)).toEqual([session]);
    await stores.close();
  });

  it('of a newer version are refused and left alone', () => {
    const path = join(directory, 'landbridge.db');
    const database = new Database(path);
    database.exec('PRAGMA user_version = 1000');
    database.close();
    expect(() => openSqliteStores({ path })).toThrow(/schema version 1000/);
  });

  it('that are no database are refused', () => {
    expect(() => openSqliteStores({ path: directory })).toThrow();
  });

  it('that another connection keeps locked make the store unavailable, not wrong', async () => {
    const path = join(directory, 'landbridge.db');
    const stores = openSqliteStores({ path, busyTimeoutMs: 1 });
    const blocker = new Database(path);
    blocker.exec('BEGIN IMMEDIATE');
    const participant = newParticipant();
    await expect(stores.participants.createParticipant(participant, 'hash', 1)).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    await expect(
      stores.participants.claimSlot(participant.id, {
        legId: 'leg-1',
        nodeId: 'node-1',
        now: 1,
        maxLegsInSession: 20,
      }),
    ).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    expect(await stores.participants.findParticipant(participant.id)).toBeNull();
    blocker.exec('ROLLBACK');
    blocker.close();
    await stores.participants.createParticipant(participant, 'hash', 1);
    expect(await stores.participants.findParticipant(participant.id)).toEqual(participant);
    await stores.close();
  });

  it('that cannot be written say so until they can, and why in the log', async () => {
    const path = join(directory, 'landbridge.db');
    const causes: string[] = [];
    const error = ({ cause }: { cause?: unknown }) => void causes.push(String(cause));
    const logger = { ...silentLogger, error };
    const stores = openSqliteStores({ path, busyTimeoutMs: 1, writableForMs: 0, logger });
    await stores.checkWritable();
    const blocker = new Database(path);
    blocker.exec('BEGIN IMMEDIATE');
    await expect(stores.checkWritable()).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(await stores.participants.findParticipant(newParticipant().id)).toBeNull();
    expect(causes).toEqual([expect.stringContaining('another program keeps its database locked')]);
    blocker.exec('ROLLBACK');
    blocker.close();
    await stores.checkWritable();
    await stores.close();
    expect(causes).toHaveLength(1);
  });

  it('that cannot be written for long say so once, and once more when they can', async () => {
    const path = join(directory, 'landbridge.db');
    const told: string[] = [];
    const fields: object[] = [];
    const tell = (_fields: object, message: string) => void told.push(message);
    const error = (given: object, message: string) => {
      fields.push(given);
      told.push(message);
    };
    const logger = { ...silentLogger, error, info: tell };
    const stores = openSqliteStores({ path, busyTimeoutMs: 1, logger });
    const blocker = new Database(path);
    blocker.exec('BEGIN IMMEDIATE');
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(stores.participants.createSession(newSession())).rejects.toMatchObject({
        code: 'store-unavailable',
      });
      await expect(stores.outbox.append([], [])).rejects.toMatchObject({ code: 'store-unavailable' });
      // Reading goes on, and is no sign that writing does.
      await stores.participants.listSessions('acme', 1);
    }
    expect(told).toEqual(['store unavailable']);
    expect(fields).toEqual([{ cause: expect.stringContaining('another program keeps its database locked') }]);
    blocker.exec('ROLLBACK');
    blocker.close();
    await stores.participants.createSession(newSession());
    await stores.participants.createSession(newSession());
    expect(told).toEqual(['store unavailable', 'store available again']);
    await stores.close();
  });

  it('that could not be written a moment ago are not tried again at every question', async () => {
    const path = join(directory, 'landbridge.db');
    const stores = openSqliteStores({ path, busyTimeoutMs: 1, writableForMs: 60_000 });
    const blocker = new Database(path);
    blocker.exec('BEGIN IMMEDIATE');
    await expect(stores.participants.createSession(newSession())).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    blocker.exec('ROLLBACK');
    blocker.close();
    await expect(stores.checkWritable()).rejects.toMatchObject({ code: 'store-unavailable' });
    await stores.participants.createSession(newSession());
    await stores.checkWritable();
    await stores.close();
  });

  it.each(['normal', 'full'] as const)(
    'lose nothing that any store has acknowledged when the process is killed (%s)',
    async (synchronous) => {
      const path = join(directory, 'landbridge.db');
      const built = pathToFileURL(inject('storesEntry'));
      // Several writes of several stores at once, some of which break a rule; each is told once it is acknowledged.
      const program = `
        import { writeSync } from 'node:fs';
        const { openSqliteStores } = await import(${JSON.stringify(built.href)});
        const stores = openSqliteStores(${JSON.stringify({ path, synchronous })});
        const say = (what) => () => writeSync(1, what + '\\n');
        const { participants, outbox } = stores;
        for (let i = 0; ; i += 1) {
          const id = String(i);
          const entry = { eventId: id, accountId: 'acme', receiver: 'a', lane: id, body: '{}', createdAt: 1 };
          await Promise.all([
            participants.createSession({ id, accountId: 'acme', tag: null, createdAt: 1 }).then(say('session ' + id)),
            participants.createSession({ id, accountId: 'acme', tag: null, createdAt: 1 }).catch(() => undefined),
            outbox.append([entry], []).then(say('entry ' + id)),
          ]);
        }`;
      const writer = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let acknowledged = '';
      writer.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        acknowledged += chunk;
        if (acknowledged.length > 5_000) writer.kill('SIGKILL');
      });
      await once(writer, 'close');
      // The last line may be half of one.
      const told = acknowledged.slice(0, acknowledged.lastIndexOf('\n')).split('\n');
      const stores = openSqliteStores({ path });
      const ids = (kind: string) =>
        told.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));
      const kept = new Set((await stores.participants.listSessions('acme', 1_000_000)).map(({ id }) => id));
      const lanes = new Set((await stores.outbox.lanes()).map(({ lane }) => lane));
      expect(ids('session').length).toBeGreaterThan(100);
      expect(ids('session').filter((id) => !kept.has(id))).toEqual([]);
      expect(ids('entry').length).toBeGreaterThan(100);
      expect(ids('entry').filter((id) => !lanes.has(id))).toEqual([]);
      await stores.close();
    },
  );

  it('pass what was held under another name to the gateway that opens them by its own', async () => {
    const path = join(directory, 'landbridge.db');
    const before = openSqliteStores({ path });
    const participant = newParticipant();
    await before.participants.createParticipant(participant, 'hash', 1);
    // The name under which every gateway held its slots once.
    await before.participants.claimSlot(participant.id, {
      ...{ legId: 'leg-1', nodeId: 'gateway', now: 5, maxLegsInSession: 20 },
    });
    await before.close();
    const unnamed = openSqliteStores({ path });
    expect(await unnamed.participants.releaseNode('node-1')).toEqual([]);
    await unnamed.close();
    const stores = openSqliteStores({ path, node: 'node-1' });
    expect(await stores.participants.releaseNode('node-1')).toEqual([
      { ...participant, legId: 'leg-1', tokenUsedAt: 5 },
    ]);
    expect((await stores.participants.findParticipant(participant.id))?.legId).toBeNull();
    await stores.close();
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
