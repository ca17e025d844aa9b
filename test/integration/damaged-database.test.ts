/** A database that was damaged, emptied or replaced while no gateway ran: a start says so in a sentence. */
import {
  chmodSync,
  closeSync,
  copyFileSync,
  cpSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGateway, TestGateway } from '../support/start-gateway.js';

let root: string;
/** As a gateway left it in good order, after two starts; `before`: after the first of them. */
let left: string;
let before: string;
/** As one left it that was killed. */
let killed: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'landbridge-damage-'));
  left = join(root, 'left');
  const first = await TestGateway.start({ dataDirectory: await mkdtemp(join(root, 'first-')) });
  for (let n = 0; n < 30; n += 1) await first.rest.newcomer(await first.rest.createSession());
  await first.stop({ keepData: true });
  before = join(root, 'before');
  cpSync(first.dataDirectory, before, { recursive: true, preserveTimestamps: true });
  const second = await TestGateway.start({ dataDirectory: first.dataDirectory });
  for (let n = 0; n < 30; n += 1) await second.rest.createSession();
  await second.stop({ keepData: true });
  cpSync(first.dataDirectory, left, { recursive: true, preserveTimestamps: true });
  const third = await TestGateway.start({ dataDirectory: first.dataDirectory });
  await third.rest.createSession();
  await third.kill();
  killed = first.dataDirectory;
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function copyOf(directory: string): Promise<string> {
  const copy = await mkdtemp(join(root, 'copy-'));
  cpSync(directory, copy, { recursive: true, preserveTimestamps: true });
  // Not every Node copies modes, and what others can read is told at the start.
  for (const entry of readdirSync(copy, { recursive: true, withFileTypes: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
  return copy;
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

/** A start and its end: what the log has of warnings and errors. */
async function warnings(dataDirectory: string): Promise<string[]> {
  const gateway = await TestGateway.start({ dataDirectory });
  const serious = gateway.log.filter(({ level }) => !['debug', 'info'].includes(level));
  expect(gateway.stderr).toBe('');
  await gateway.stop({ keepData: true });
  return serious.map(({ msg }) => msg);
}

const page = 4096;

describe('a gateway does not start, and says so in one sentence, over a database', () => {
  it.each<[string, (path: string, size: number) => void]>([
    ['that is cut in the middle', (path, size) => truncateSync(path, Math.floor(size / 2))],
    ['of which a page is left', (path) => truncateSync(path, page)],
    ['whose last page is gone', (path, size) => truncateSync(path, size - page)],
    ['that is cut within its head', (path) => truncateSync(path, 50)],
    ['whose first page is overwritten', (path) => overwrite(path, 0, Buffer.alloc(page))],
    ['whose second page is overwritten', (path) => overwrite(path, page, Buffer.alloc(page))],
    [
      'of which a page in the middle is overwritten',
      (path, size) => overwrite(path, Math.floor(size / page / 2) * page, Buffer.alloc(page, 0x5a)),
    ],
    ['that is none', (path) => overwrite(path, 0, Buffer.from('hello, I am a text'))],
  ])('%s', async (_, spoil) => {
    const dataDirectory = await copyOf(left);
    const path = join(dataDirectory, 'landbridge.db');
    spoil(path, statSync(path).size);
    const { code, stderr } = await runGateway({ dataDirectory });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^landbridge: The data directory .* cannot be used: its database is damaged.*\n$/);
    expect(stderr).toContain('Bring the directory back from a copy');
  });
});

describe('a start says in one line of the log that its database', () => {
  it.each<[string, () => string, (directory: string) => void, RegExp]>([
    [
      'was emptied',
      () => left,
      (directory) => truncateSync(join(directory, 'landbridge.db'), 0),
      /is empty or was removed/,
    ],
    [
      'was removed',
      () => left,
      (directory) => rmSync(join(directory, 'landbridge.db')),
      /is empty or was removed/,
    ],
    [
      'is an older copy',
      () => left,
      (directory) => copyFileSync(join(before, 'landbridge.db'), join(directory, 'landbridge.db')),
      /is an older copy/,
    ],
    [
      'has lost its log after a kill',
      () => killed,
      (directory) => {
        for (const end of ['wal', 'shm']) rmSync(join(directory, `landbridge.db-${end}`), { force: true });
      },
      /write-ahead log/,
    ],
    [
      'has a log that was cut in the middle',
      () => killed,
      (directory) => {
        const log = join(directory, 'landbridge.db-wal');
        truncateSync(log, Math.floor(statSync(log).size / 2));
      },
      /write-ahead log of the database was cut, damaged or removed/,
    ],
  ])('%s, and the next start no more', async (_, from, spoil, words) => {
    const dataDirectory = await copyOf(from());
    spoil(dataDirectory);
    expect(await warnings(dataDirectory)).toEqual([expect.stringMatching(words)]);
    expect(await warnings(dataDirectory)).toEqual([]);
  });

  it('was opened and closed by another program after a kill: nothing that warns, and nothing is lost', async () => {
    const dataDirectory = await copyOf(killed);
    const path = join(dataDirectory, 'landbridge.db');
    const another = new Database(path);
    const sessions = () => another.prepare('SELECT count(*) AS sessions FROM sessions').get();
    expect(sessions()).toMatchObject({ sessions: 61 });
    another.pragma('wal_checkpoint(TRUNCATE)');
    another.close();
    expect(await warnings(dataDirectory)).toEqual([]);
  });

  it('was to be made by a start that failed before it was: nothing', async () => {
    const dataDirectory = await mkdtemp(join(root, 'failed-'));
    writeFileSync(join(dataDirectory, 'node-name'), 'a-name-of-a-gateway\n', { mode: 0o600 });
    expect(await warnings(dataDirectory)).toEqual([]);
  });

  it('was left in good order or by a kill: nothing', async () => {
    expect(await warnings(await copyOf(left))).toEqual([]);
    expect(await warnings(await copyOf(killed))).toEqual([]);
  });
});
