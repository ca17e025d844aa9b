import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, type Logger } from '../domain/logger.js';
import { lockDataDirectory } from './data-directory-lock.js';
import { nodeName } from './node-name.js';
import { openStores } from './open-stores.js';
import { makeDataDirectoryPrivate } from './private-data-directory.js';

let parent: string;
let directory: string;
let umask: number;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'landbridge-private-'));
  directory = join(parent, 'data');
  umask = process.umask(0o022);
});
afterEach(() => {
  process.umask(umask);
  rmSync(parent, { recursive: true });
});

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const modes = () =>
  Object.fromEntries(readdirSync(directory).map((name) => [name, modeOf(join(directory, name))]));

function recordingLogger(): { readonly logger: Logger; readonly warned: unknown[] } {
  const warned: unknown[] = [];
  return { logger: { ...silentLogger, warn: (fields) => warned.push(fields) }, warned };
}

/** Everything that a gateway opens in it. */
async function open(logger: Logger = silentLogger): Promise<() => Promise<void>> {
  makeDataDirectoryPrivate(directory, logger);
  const lock = lockDataDirectory(directory);
  const stores = await openStores({
    ...{ store: 'sqlite', dataDir: directory, maxOutboxEntries: 10, maxRefusedCalls: 10, logger },
    sqlite: { synchronous: 'normal', busyTimeoutMs: 1000, checkSeconds: 2 },
    node: nodeName(directory),
  });
  return async () => {
    await stores.close();
    lock.release();
  };
}

const privateFiles = {
  'database-history.json': '600',
  'landbridge.db': '600',
  'landbridge.db-wal': '600',
  'landbridge.db-shm': '600',
  'landbridge.lock': '600',
  'landbridge.lock-journal': '600',
  'node-name': '600',
};

describe('The data directory', () => {
  it('is made for this user alone', async () => {
    const close = await open();
    expect(modeOf(directory)).toBe('700');
    expect(modes()).toEqual(privateFiles);
    await close();
  });

  // The database was 0644 there, and the write-ahead log with it.
  it('has files that nobody else can read where it was there, open to all', async () => {
    mkdirSync(directory, { mode: 0o755 });
    const close = await open();
    expect(modes()).toEqual(privateFiles);
    await close();
    expect(modeOf(directory)).toBe('755');
  });

  it('has the files of an earlier version closed, those of a killed one and copies too, and says so', async () => {
    mkdirSync(directory);
    const left = [
      'landbridge.db',
      'landbridge.db-wal',
      'landbridge.db-shm',
      'landbridge.db.bak',
      'landbridge.lock',
    ];
    for (const name of [...left, 'credentials.json', 'node-name', 'notes.txt']) {
      writeFileSync(join(directory, name), '');
      chmodSync(join(directory, name), 0o664);
    }
    const { logger, warned } = recordingLogger();
    makeDataDirectoryPrivate(directory, logger);
    // What is not ours stays as it is.
    expect(Object.entries(modes()).filter(([, mode]) => mode !== '600')).toEqual([['notes.txt', '664']]);
    expect(warned).toHaveLength(7);
    expect(warned).toContainEqual({ path: join(directory, 'credentials.json'), mode: '664' });
  });

  it('is closed to others who may write into it', async () => {
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    const { logger, warned } = recordingLogger();
    const close = await open(logger);
    expect(modeOf(directory)).toBe('755');
    expect(warned).toEqual([{ path: directory, mode: '777' }]);
    await close();
  });

  // Others could remove recordings, and read those of before.
  it('has directories of recordings and sounds that nobody else can enter, where they were there', async () => {
    mkdirSync(directory, { mode: 0o755 });
    const elsewhere = join(parent, 'elsewhere');
    for (const path of [join(directory, 'recordings'), join(directory, 'other'), elsewhere]) {
      mkdirSync(path);
      chmodSync(path, 0o777);
    }
    symlinkSync(elsewhere, join(directory, 'sounds'));
    const { logger, warned } = recordingLogger();
    makeDataDirectoryPrivate(directory, logger);
    expect(modeOf(join(directory, 'recordings'))).toBe('700');
    expect([modeOf(join(directory, 'other')), modeOf(elsewhere)]).toEqual(['777', '777']);
    expect(warned).toEqual([{ path: join(directory, 'recordings'), mode: '777' }]);
  });

  it('is not one that is there for all, which stays as it is', () => {
    mkdirSync(directory);
    chmodSync(directory, 0o1777);
    expect(() => makeDataDirectoryPrivate(directory, silentLogger)).toThrow(/is there for all users/);
    expect(statSync(directory).mode & 0o7777).toBe(0o1777);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('has a database that nobody else can read where it lies elsewhere, behind a link', async () => {
    mkdirSync(directory);
    const elsewhere = join(parent, 'elsewhere.db');
    writeFileSync(elsewhere, '', { mode: 0o644 });
    symlinkSync(elsewhere, join(directory, 'landbridge.db'));
    const { logger, warned } = recordingLogger();
    const close = await open(logger);
    expect(['', '-wal', '-shm'].map((end) => modeOf(`${elsewhere}${end}`))).toEqual(['600', '600', '600']);
    expect(warned).toHaveLength(1);
    await close();
  });

  const all = ['landbridge.db', 'landbridge.lock', 'landbridge.db-wal', 'credentials.json', 'node-name'];
  it.each(all)('is not used where a pipe is in the place of %s, be it behind a link', (name) => {
    mkdirSync(directory);
    const pipe = join(parent, 'pipe');
    execFileSync('mkfifo', [pipe]);
    symlinkSync(pipe, join(directory, name));
    expect(() => makeDataDirectoryPrivate(directory, silentLogger)).toThrow(/is no file/);
    rmSync(join(directory, name));
    execFileSync('mkfifo', [join(directory, name)]);
    expect(() => makeDataDirectoryPrivate(directory, silentLogger)).toThrow(/is no file/);
  });

  it.skipIf(process.getuid?.() !== 0)('is not used where another user has put a database into it', () => {
    mkdirSync(directory);
    const planted = join(directory, 'landbridge.db');
    writeFileSync(planted, '', { mode: 0o600 });
    chownSync(planted, 12_345, 12_345);
    expect(() => makeDataDirectoryPrivate(directory, silentLogger)).toThrow(/belongs to another user/);
    // With all of it in the hands of that user it is a volume of a container.
    chownSync(directory, 12_345, 12_345);
    makeDataDirectoryPrivate(directory, silentLogger);
  });

  it('keeps its hands off what any other link leads to', () => {
    mkdirSync(directory);
    const elsewhere = join(parent, 'elsewhere');
    writeFileSync(elsewhere, '', { mode: 0o644 });
    symlinkSync(elsewhere, join(directory, 'landbridge.db-old'));
    makeDataDirectoryPrivate(directory, silentLogger);
    expect(modeOf(elsewhere)).toBe('644');
  });
});
