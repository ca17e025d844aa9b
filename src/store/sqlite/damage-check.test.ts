import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refuseDamage } from './damage-check.js';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'landbridge-damage-'));
  path = join(directory, 'landbridge.db');
  const made = new Database(path);
  made.exec('CREATE TABLE sessions (id TEXT); CREATE TABLE outbox (body TEXT)');
  for (const table of ['sessions', 'outbox'])
    for (let row = 0; row < 50; row += 1) made.exec(`INSERT INTO ${table} VALUES ('${'x'.repeat(1000)}')`);
  made.close();
});
afterEach(() => rmSync(directory, { recursive: true }));

function overwrite(table: string): void {
  const database = new Database(path);
  const { rootpage } = database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table) as {
    readonly rootpage: number;
  };
  database.close();
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(4096), 0, 4096, (rootpage - 1) * 4096);
  closeSync(file);
}

/** Time goes on by a second with each look at it. */
function check(seconds: number): string {
  const database = new Database(path);
  let nowMs = 0;
  try {
    refuseDamage(database, seconds, () => (nowMs += 1000));
    return 'ok';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    database.close();
  }
}

/** Too little for a file of this size, and for how many of its tables there is time. */
const little = 0.0001;

describe('a database', () => {
  it('that is whole is taken', () => {
    for (const seconds of [0, little, 2, Infinity]) expect(check(seconds)).toBe('ok');
  });

  it.each(['sessions', 'outbox'])('whose %s are damaged is refused', (table) => {
    overwrite(table);
    expect(check(10)).toBe('SQLITE_CORRUPT');
  });

  it('that is too large for the time is looked at without what grows without end', () => {
    overwrite('outbox');
    expect(check(little)).toBe('ok');
  });

  it('is not looked at where there is no time', () => {
    overwrite('sessions');
    expect([check(0), check(little)]).toEqual(['ok', 'ok']);
  });
});
