/** Looks through a database for damage before it is used. */
import type Database from 'libsql';
import { silentLogger, type Logger } from '../../domain/logger.js';

export interface DamageCheckOptions {
  /** Told where the look was cut short, or took long. Default: nobody is. */
  readonly logger?: Logger;
  /** Milliseconds. Default: the machine's. */
  readonly now?: () => number;
}

/** A page that was read just before is checked in at most as much time as it takes to read so many, on any machine. */
const readsPerCheck = 2;
/** Pages that are read of a table before the next one has its turn: so many at first, and then four times as many each time. */
const firstPages = 64;
/** A look that takes longer is told of. */
const longMs = 1000;

/**
 * Throws what SQLite throws of a damaged database where this one is. Goes table by table, the smallest first, for as many seconds:
 * none with 0, all of it with Infinity.
 */
export function refuseDamage(
  database: Database.Database,
  seconds: number,
  { logger = silentLogger, now = () => performance.now() }: DamageCheckOptions = {},
): void {
  if (seconds === 0) return;
  if (seconds === Infinity) return mustBeOk(database, '1');
  const startedAt = now();
  const { looked, left } = lookAtTables(database, () => startedAt + seconds * 1000 - now());
  const tookMs = Math.round(now() - startedAt);
  const fields = { tables: looked, left, tookMs };
  if (left.length > 0)
    logger.info(fields, 'the time to look for damage was over before the whole database was looked through');
  else if (tookMs > longMs) logger.info(fields, 'the database was looked through for damage');
  // What belongs to no table, such as the list of free pages; where that takes no more time than there is.
  if (left.length === 0 && tookMs * 2 <= seconds * 1000) mustBeOk(database, '1');
}

/**
 * SQLite cannot be stopped within a table. So its pages are read first, in portions whose time can be foretold; then a check of them
 * does not wait for the disk.
 */
function lookAtTables(
  database: Database.Database,
  leftMs: () => number,
): { readonly looked: readonly string[]; readonly left: readonly string[] } {
  const looked: string[] = [];
  const pages = pagesOf(database);
  const read = database.prepare(
    `SELECT count(*) AS pages FROM (SELECT 1 FROM sqlite_schema CROSS JOIN dbstat ON dbstat.name = sqlite_schema.name
     WHERE sqlite_schema.tbl_name = ? LIMIT ?)`,
  );
  let waiting = tablesOf(database);
  let spentMs = 0;
  let readPages = 0;
  for (let portion = firstPages; waiting.length > 0; portion *= 4) {
    const larger: string[] = [];
    const limit = Math.min(portion, pages + 1);
    for (const [at, table] of waiting.entries()) {
      const msPerPage = readPages === 0 ? 0 : spentMs / readPages;
      const before = leftMs();
      if (before <= limit * msPerPage) return { looked, left: [...larger, ...waiting.slice(at)] };
      const found = (read.get(table, limit) as { readonly pages: number }).pages;
      const after = leftMs();
      spentMs += before - after;
      readPages += found;
      // More pages than there are: the table is damaged, and the check says so.
      const isWhole = found < limit || found > pages;
      if (!isWhole) larger.push(table);
      else if (after <= (found * readsPerCheck * spentMs) / readPages)
        return { looked, left: [...larger, ...waiting.slice(at)] };
      else {
        mustBeOk(database, `"${table}"`);
        looked.push(table);
      }
    }
    waiting = larger;
  }
  return { looked, left: [] };
}

function tablesOf(database: Database.Database): readonly string[] {
  const tables = database
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid`)
    .all() as { readonly name: string }[];
  return tables.map(({ name }) => name);
}

function mustBeOk(database: Database.Database, what: string): void {
  const [found] = database.prepare(`PRAGMA quick_check(${what})`).all() as {
    readonly quick_check: string;
  }[];
  if (found?.quick_check !== 'ok')
    throw Object.assign(new Error(found?.quick_check), { code: 'SQLITE_CORRUPT' });
}

function pagesOf(database: Database.Database): number {
  return (database.prepare('PRAGMA page_count').get() as { readonly page_count: number }).page_count;
}
