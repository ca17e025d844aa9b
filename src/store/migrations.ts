/** The schema, step by step. `PRAGMA user_version` counts the steps a database has taken; a published step never changes. */
import type Database from 'libsql';

const migrations: readonly string[] = [
  `CREATE TABLE sessions (
     id TEXT PRIMARY KEY,
     account_id TEXT NOT NULL,
     tag TEXT,
     created_at INTEGER NOT NULL
   );
   CREATE INDEX sessions_of_account ON sessions (account_id, created_at);
   CREATE TABLE participants (
     id TEXT PRIMARY KEY,
     account_id TEXT NOT NULL,
     callback_url TEXT,
     publish_permissions TEXT NOT NULL,
     tag TEXT,
     display_name TEXT,
     token_use TEXT NOT NULL,
     token_used_at INTEGER,
     session_id TEXT REFERENCES sessions (id),
     subscriptions TEXT NOT NULL,
     leg_id TEXT,
     node_id TEXT,
     created_at INTEGER NOT NULL,
     join_code_hash TEXT NOT NULL UNIQUE,
     join_code_expires_at INTEGER NOT NULL
   );
   CREATE INDEX participants_of_account ON participants (account_id, created_at);
   CREATE INDEX participants_of_session ON participants (session_id) WHERE session_id IS NOT NULL;
   CREATE INDEX participants_on_node ON participants (node_id) WHERE node_id IS NOT NULL;`,
];

/** Brings the database to the newest schema. Throws where a newer Landbridge has written it. */
export function migrate(database: Database.Database): void {
  const upgrade = database.transaction(() => {
    const version = (database.pragma('user_version') as { user_version: number }[])[0]?.user_version ?? 0;
    if (version > migrations.length) {
      throw new Error(
        `The database has schema version ${version}; this version of Landbridge knows ${migrations.length}.`,
      );
    }
    for (const step of migrations.slice(version)) database.exec(step);
    if (version < migrations.length) database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
  upgrade.immediate();
}
