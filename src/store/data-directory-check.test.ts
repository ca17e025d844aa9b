import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataDirectoryTrouble } from './data-directory-check.js';
import { lockDataDirectory } from './data-directory-lock.js';
import { migrate } from './sqlite/migrations.js';

const checkpoint = 'PRAGMA wal_checkpoint(TRUNCATE)';

let directory: string;
// A path that is no URL as it stands.
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'landbridge what? 50%#'))));
afterEach(() => rmSync(directory, { recursive: true }));

/** As a gateway leaves it. */
function fill(): void {
  lockDataDirectory(directory).release();
  change('PRAGMA journal_mode = WAL', migrate, checkpoint);
}

const database = () => join(directory, 'landbridge.db');
const files = () =>
  readdirSync(directory).map((name) => {
    const path = join(directory, name);
    return [name, statSync(path).isFile() ? readFileSync(path).toString('base64') : null];
  });

describe('a data directory', () => {
  it('that is not there, is empty, or was left by a gateway, is no trouble', () => {
    expect(dataDirectoryTrouble(join(directory, 'not', 'yet'))).toBeNull();
    expect(dataDirectoryTrouble(directory)).toBeNull();
    fill();
    const before = files();
    expect(dataDirectoryTrouble(directory)).toBeNull();
    expect(files()).toEqual(before);
  });

  it('that another gateway has is in use, until that ends', () => {
    fill();
    const lock = lockDataDirectory(directory);
    expect(dataDirectoryTrouble(directory)).toMatch(/in use by another Landbridge/);
    lock.release();
    expect(dataDirectoryTrouble(directory)).toBeNull();
  });

  it('does not judge a database whose last words stand beside it, which a crash leaves, but for its first', () => {
    fill();
    truncateSync(database(), 3 * 4096);
    writeFileSync(`${database()}-wal`, 'words');
    expect(dataDirectoryTrouble(directory)).toBeNull();
    writeFileSync(database(), 'hello');
    expect(dataDirectoryTrouble(directory)).toMatch(/damaged/);
  });

  it.each([
    ['is none', () => writeFileSync(database(), 'hello '.repeat(1000)), /damaged, or a file there/],
    ['is cut off', () => truncateSync(database(), 3 * 4096), /damaged/],
    [
      'is a directory',
      () => {
        rmSync(database());
        mkdirSync(database());
      },
      /is a directory/,
    ],
    ['has a lock that is none', () => writeFileSync(join(directory, 'landbridge.lock'), 'hello'), /is none/],
    ['is newer', () => change('PRAGMA user_version = 1000', checkpoint), /schema version 1000/],
    ['is another program’s', () => change('PRAGMA user_version = 0', checkpoint), /another program/],
  ])('whose database %s says so, and changes nothing', (_, spoil, words) => {
    fill();
    spoil();
    const before = files();
    expect(dataDirectoryTrouble(directory)).toMatch(words);
    expect(files()).toEqual(before);
  });
});

function change(...steps: (string | ((database: Database.Database) => void))[]): void {
  const opened = new Database(database());
  for (const step of steps) {
    if (typeof step === 'string') opened.exec(step);
    else step(opened);
  }
  opened.close();
}
