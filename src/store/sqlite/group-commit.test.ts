import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GroupCommit } from './group-commit.js';

describe('a group commit', () => {
  let database: Database.Database;
  let commits: GroupCommit;
  let begun: number;

  beforeEach(() => {
    database = new Database(':memory:');
    database.exec('CREATE TABLE t (n INTEGER UNIQUE)');
    const exec = database.exec.bind(database);
    begun = 0;
    database.exec = (text: string) => {
      if (text.startsWith('BEGIN')) begun += 1;
      return exec(text);
    };
    commits = new GroupCommit(database);
  });
  afterEach(() => void database.close());

  const insert = (n: number) => () => database.prepare('INSERT INTO t VALUES (?)').run(n).changes;
  const rows = () =>
    (database.prepare('SELECT n FROM t ORDER BY n').all() as { n: number }[]).map(({ n }) => n);

  it('makes one transaction of what is written in one turn, and settles in order after it', async () => {
    const settled: number[] = [];
    const writes = [1, 2, 3].map((n) =>
      commits.write(insert(n)).then((changes) => {
        settled.push(n);
        return changes;
      }),
    );
    expect(rows()).toEqual([]);
    expect(await Promise.all(writes)).toEqual([1, 1, 1]);
    expect(settled).toEqual([1, 2, 3]);
    expect(begun).toBe(1);
    await commits.write(insert(4));
    expect(begun).toBe(2);
    expect(rows()).toEqual([1, 2, 3, 4]);
  });

  it('lets one that fails take nobody with it, and nothing of it stay', async () => {
    const results = await Promise.allSettled([
      commits.write(insert(1)),
      commits.write(() => {
        insert(7)();
        insert(1)();
      }),
      commits.write(insert(3)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(rows()).toEqual([1, 3]);
  });

  it('shows each write what those before it did', async () => {
    const counted = await Promise.all(
      [1, 2, 3].map((n) =>
        commits.write(() => {
          insert(n)();
          return rows().length;
        }),
      ),
    );
    expect(counted).toEqual([1, 2, 3]);
  });

  it('writes what waits when it is told to, and refuses once the database is closed', async () => {
    const before = commits.write(insert(1));
    commits.flush();
    expect(rows()).toEqual([1]);
    await before;
    database.close();
    await expect(commits.write(insert(2))).rejects.toThrow('closed');
  });
});
