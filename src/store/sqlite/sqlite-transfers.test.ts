import Database from 'libsql';
import { expect, it } from 'vitest';
import { migrate } from './migrations.js';
import { overdueSql } from './sqlite-transfers.js';

it('looks for overdue transfers among those alone that may be overdue, however many are kept', () => {
  const database = new Database(':memory:');
  migrate(database);
  const plan = database.prepare(`EXPLAIN QUERY PLAN ${overdueSql}`).all(1, 1) as { detail: string }[];
  expect(plan.map(({ detail }) => detail)).toEqual([
    'SEARCH transfers USING INDEX transfers_overdue (expires_at<?)',
  ]);
});
