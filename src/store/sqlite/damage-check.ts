/** Looks through a database for damage before it is used. */
import type Database from 'libsql';

/** As fast as a database is looked through at least, where the machine has read it lately. */
const bytesPerSecond = 100_000_000;
/** Those that grow without end. */
const largeTables = ['outbox', 'call_records'];

/**
 * Throws what SQLite throws of a damaged database where this one is. Of one that is too large for the time that may be taken only
 * the smaller tables are looked at, as many as there is time for; none with 0 seconds.
 */
export function refuseDamage(
  database: Database.Database,
  seconds: number,
  now: () => number = () => performance.now(),
): void {
  if (seconds === 0) return;
  const until = now() + seconds * 1000;
  if (sizeOf(database) <= seconds * bytesPerSecond) return mustBeOk(database, 'quick_check(1)');
  const tables = database
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid`)
    .all() as { readonly name: string }[];
  for (const { name } of tables) {
    if (now() >= until) return;
    if (!largeTables.includes(name)) mustBeOk(database, `quick_check("${name}")`);
  }
}

function mustBeOk(database: Database.Database, pragma: string): void {
  const [found] = database.prepare(`PRAGMA ${pragma}`).all() as { readonly quick_check: string }[];
  if (found?.quick_check !== 'ok')
    throw Object.assign(new Error(found?.quick_check), { code: 'SQLITE_CORRUPT' });
}

function sizeOf(database: Database.Database): number {
  const numberOf = (pragma: string) =>
    Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() as object)[0]);
  return numberOf('page_count') * numberOf('page_size');
}
