import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { firstPage, RowMapping } from './row-mapping.js';

interface Door {
  readonly id: string;
  readonly openedAt: number | null;
  readonly isLocked: boolean;
  readonly keys: readonly string[] | null;
}

const doorRows = new RowMapping<Door>('doors', {
  id: 'id',
  openedAt: 'opened_at',
  isLocked: { flag: 'is_locked' },
  keys: { json: 'keys' },
});

function openDoors() {
  const database = new Database(':memory:');
  database.exec('CREATE TABLE doors (id TEXT, opened_at INTEGER, is_locked INTEGER, keys TEXT, node TEXT)');
  return database;
}

describe('a row mapping', () => {
  it('reads what it has inserted, with flags, JSON and null', () => {
    const database = openDoors();
    const front: Door = { id: 'front', openedAt: 5, isLocked: true, keys: ['a', 'b'] };
    const back: Door = { id: 'back', openedAt: null, isLocked: false, keys: null };
    const insert = database.prepare(doorRows.insertSql('node'));
    for (const door of [front, back]) insert.run(...doorRows.values(door), 'here');
    expect(doorRows.readAll(database.prepare('SELECT * FROM doors').all())).toEqual([front, back]);
    expect(database.prepare('SELECT node, keys FROM doors').all()).toMatchObject([
      { node: 'here', keys: '["a","b"]' },
      { node: 'here', keys: null },
    ]);
    database.close();
  });

  it('says of JSON that is none that the database is damaged', () => {
    const row = { id: 'front', opened_at: null, is_locked: 0, keys: '["a"' };
    expect(() => doorRows.read(row)).toThrow(
      expect.objectContaining({ code: 'SQLITE_CORRUPT', message: 'the column keys of a row is damaged' }),
    );
  });

  it('changes the fields that are named and no others', () => {
    const database = openDoors();
    const front: Door = { id: 'front', openedAt: 5, isLocked: true, keys: [] };
    database.prepare(doorRows.insertSql()).run(...doorRows.values(front));
    const changing = ['isLocked', 'keys'] as const;
    const after = { ...front, openedAt: 9, isLocked: false, keys: ['c'] };
    database
      .prepare(`${doorRows.updateSql(changing)} WHERE id = ?`)
      .run(...doorRows.values(after, changing), 'front');
    const row: unknown = database.prepare('SELECT * FROM doors').get();
    expect(doorRows.read(row)).toEqual({ ...after, openedAt: 5 });
    database.close();
  });

  it('reads null where there is no row', () => {
    expect(doorRows.read(undefined)).toBeNull();
  });
});

describe('the first page', () => {
  const rows = [{ position: 9 }, { position: 7 }, { position: 4 }];
  it('names the position of its last row where more follow', () => {
    expect(firstPage(rows, 2)).toEqual({ page: [{ position: 9 }, { position: 7 }], next: 7 });
  });
  it('names none where it is the last one', () => {
    expect(firstPage(rows, 3)).toEqual({ page: rows, next: null });
    expect(firstPage([], 3)).toEqual({ page: [], next: null });
  });
});
