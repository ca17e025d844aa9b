import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, type Logger } from '../../domain/logger.js';
import { refuseDamage } from './damage-check.js';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'landbridge-damage-'));
  path = join(directory, 'landbridge.db');
  const made = new Database(path);
  made.exec('CREATE TABLE outbox (body TEXT); CREATE INDEX by_body ON outbox (body)');
  made.exec('CREATE TABLE activity (id TEXT PRIMARY KEY) WITHOUT ROWID; CREATE TABLE sessions (id TEXT)');
  const rows = { outbox: 600, activity: 50, sessions: 300 };
  for (const [table, count] of Object.entries(rows))
    made.exec(`WITH RECURSIVE row(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE n < ${count})
      INSERT INTO ${table} SELECT hex(zeroblob(500)) || n FROM row`);
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

interface Look {
  readonly refusal: string | null;
  readonly told: readonly { readonly message: string; readonly fields: Record<string, unknown> }[];
}

/** `msPerLook`: as time goes on with each look at it, as from a slow disk. */
function check(seconds: number, msPerLook = 1): Look {
  const database = new Database(path);
  const told: { message: string; fields: Record<string, unknown> }[] = [];
  const logger = {
    ...silentLogger,
    info: (fields: Record<string, unknown>, message: string) => told.push({ message, fields }),
  } as Logger;
  let nowMs = 0;
  try {
    refuseDamage(database, seconds, { logger, now: () => (nowMs += msPerLook) });
    return { refusal: null, told };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { refusal: code, told };
  } finally {
    database.close();
  }
}

describe('a database', () => {
  it('that is whole is taken, and nothing is said of it', () => {
    for (const seconds of [0, 2, Infinity]) expect(check(seconds)).toEqual({ refusal: null, told: [] });
  });

  it.each(['sessions', 'activity', 'outbox'])('whose %s are damaged is refused', (table) => {
    overwrite(table);
    for (const seconds of [10, Infinity]) expect(check(seconds).refusal).toBe('SQLITE_CORRUPT');
  });

  it('of any size is looked at for no longer than the time that is set, the smallest tables first, and the log says which', () => {
    overwrite('outbox');
    const { refusal, told } = check(3, 200);
    expect(refusal).toBeNull();
    expect(told).toEqual([
      {
        message: 'the time to look for damage was over before the whole database was looked through',
        fields: { tables: ['activity', 'sessions'], left: ['outbox'], tookMs: expect.any(Number) },
      },
    ]);
    expect(told[0]?.fields['tookMs']).toBeLessThanOrEqual(3000);
    overwrite('sessions');
    expect(check(3, 200).refusal).toBe('SQLITE_CORRUPT');
  });

  it('that took more than a second is told of, in one line', () => {
    expect(check(600, 200)).toEqual({
      refusal: null,
      told: [
        {
          message: 'the database was looked through for damage',
          fields: { tables: ['activity', 'sessions', 'outbox'], left: [], tookMs: expect.any(Number) },
        },
      ],
    });
  });

  it('is not looked at where there is no time', () => {
    overwrite('sessions');
    expect(check(0)).toEqual({ refusal: null, told: [] });
    expect(check(0.5, 1000)).toMatchObject({
      refusal: null,
      told: [{ fields: { tables: [], left: ['outbox', 'activity', 'sessions'] } }],
    });
  });
});
