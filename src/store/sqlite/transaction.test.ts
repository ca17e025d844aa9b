import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { immediately } from './transaction.js';

describe('a transaction', () => {
  let database: Database.Database;

  beforeEach(() => {
    database = new Database(':memory:');
    database.exec('CREATE TABLE t (n INTEGER UNIQUE, filler BLOB)');
  });
  afterEach(() => void database.close());

  const insert = (n: number, bytes = 0) =>
    database.prepare('INSERT INTO t VALUES (?, zeroblob(?))').run(n, bytes);
  const rows = () => (database.prepare('SELECT n FROM t').all() as { n: number }[]).map(({ n }) => n);

  it('is kept, and gives what its work gave', () => {
    expect(immediately(database, () => insert(1).changes)).toBe(1);
    expect(database.inTransaction).toBe(false);
    expect(rows()).toEqual([1]);
  });

  it('leaves nothing of work that threw', () => {
    const work = () => {
      insert(1);
      throw new Error('a rule');
    };
    expect(() => immediately(database, work)).toThrow('a rule');
    expect(database.inTransaction).toBe(false);
    expect(rows()).toEqual([]);
  });

  it('on a full disk says that the disk is full, and works again when there is room', () => {
    const pages = (database.pragma('page_count') as { page_count: number }[])[0]?.page_count ?? 0;
    database.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const work = () => {
      insert(1);
      insert(2, 1_000_000);
    };
    expect(() => immediately(database, work)).toThrow('database or disk is full');
    expect(database.inTransaction).toBe(false);
    expect(rows()).toEqual([]);
    database.exec('PRAGMA max_page_count = 100000');
    immediately(database, work);
    expect(rows()).toEqual([1, 2]);
  });
});
