/** The schema, step by step. `PRAGMA user_version` counts the steps a database has taken; a published step never changes. */
import type Database from 'libsql';
import { DataDirectoryUnusable } from '../file-faults.js';

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
  `ALTER TABLE participants ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';
   ALTER TABLE participants ADD COLUMN muted_aliases TEXT NOT NULL DEFAULT '[]';`,
  `CREATE TABLE activity (
     id TEXT PRIMARY KEY,
     of TEXT NOT NULL,
     sequence INTEGER NOT NULL,
     changed_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX activity_by_change ON activity (changed_at);
   INSERT INTO activity SELECT id, 'session', 0, created_at FROM sessions;
   INSERT INTO activity SELECT id, 'participant', 0, created_at FROM participants;
   CREATE TABLE outbox (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     event_id TEXT NOT NULL,
     account_id TEXT NOT NULL,
     receiver TEXT NOT NULL,
     lane TEXT NOT NULL,
     body TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     attempts INTEGER NOT NULL DEFAULT 0
   );
   CREATE INDEX outbox_by_lane ON outbox (receiver, lane, position);
   CREATE INDEX outbox_failing ON outbox (position) WHERE attempts > 0;
   CREATE TABLE webhooks (
     id TEXT PRIMARY KEY,
     account_id TEXT NOT NULL,
     url TEXT NOT NULL,
     fallback_url TEXT,
     events TEXT,
     secret TEXT NOT NULL,
     created_at INTEGER NOT NULL
   );
   CREATE TABLE call_records (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     leg_id TEXT NOT NULL UNIQUE,
     account_id TEXT NOT NULL,
     session_id TEXT,
     session_tag TEXT,
     participant_id TEXT NOT NULL,
     participant_tag TEXT,
     door TEXT NOT NULL,
     kind TEXT,
     call_id TEXT NOT NULL,
     voice_call_id TEXT,
     caller TEXT,
     started_at INTEGER NOT NULL,
     answered_at INTEGER,
     established_at INTEGER,
     joined_at INTEGER,
     ended_at INTEGER,
     duration_ms INTEGER,
     outcome TEXT,
     statistics TEXT
   );
   CREATE INDEX call_records_of_account ON call_records (account_id, position);
   CREATE INDEX call_records_of_session ON call_records (session_id, position) WHERE session_id IS NOT NULL;
   CREATE INDEX call_records_of_participant ON call_records (participant_id, position);
   CREATE INDEX call_records_by_start ON call_records (started_at);
   CREATE INDEX call_records_open ON call_records (position) WHERE ended_at IS NULL;`,
  `CREATE TABLE numbers (
     id TEXT PRIMARY KEY,
     account_id TEXT NOT NULL,
     number TEXT UNIQUE,
     platform TEXT,
     credentials TEXT NOT NULL,
     route TEXT NOT NULL,
     participant TEXT NOT NULL,
     allow_from TEXT NOT NULL,
     created_at INTEGER NOT NULL
   );
   CREATE INDEX numbers_of_account ON numbers (account_id, created_at);
   CREATE TABLE number_pins (
     id TEXT PRIMARY KEY,
     number_id TEXT NOT NULL,
     pin_hash TEXT NOT NULL,
     session_id TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     UNIQUE (number_id, pin_hash)
   );
   CREATE TABLE transfers (
     id TEXT PRIMARY KEY,
     account_id TEXT NOT NULL,
     idempotency_key TEXT,
     fingerprint TEXT NOT NULL,
     participant_id TEXT NOT NULL,
     session_id TEXT NOT NULL,
     number_id TEXT,
     platform TEXT,
     voice_call_id TEXT,
     state TEXT NOT NULL,
     leg_id TEXT,
     cause TEXT,
     removes_participant INTEGER NOT NULL,
     join_code_hash TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL
   );
   CREATE UNIQUE INDEX transfers_by_key ON transfers (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
   CREATE INDEX transfers_by_participant ON transfers (participant_id);
   CREATE INDEX transfers_of_account ON transfers (account_id, created_at);
   CREATE INDEX transfers_by_expiry ON transfers (expires_at);`,
  `ALTER TABLE number_pins ADD COLUMN length INTEGER NOT NULL DEFAULT 0;
   CREATE INDEX number_pins_by_length ON number_pins (number_id, length);`,
  `CREATE TABLE recordings (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     account_id TEXT NOT NULL,
     session_id TEXT NOT NULL,
     participant_id TEXT,
     tag TEXT,
     format TEXT NOT NULL,
     node_id TEXT NOT NULL,
     state TEXT NOT NULL,
     reason TEXT,
     duration_ms INTEGER,
     bytes INTEGER NOT NULL,
     started_at INTEGER NOT NULL,
     ended_at INTEGER,
     idempotency_key TEXT
   );
   CREATE INDEX recordings_of_account ON recordings (account_id, position);
   CREATE INDEX recordings_of_session ON recordings (session_id, position);
   CREATE INDEX recordings_running ON recordings (node_id) WHERE state = 'recording';
   CREATE INDEX recordings_by_end ON recordings (ended_at) WHERE ended_at IS NOT NULL;
   CREATE UNIQUE INDEX recordings_by_key ON recordings (account_id, idempotency_key)
     WHERE idempotency_key IS NOT NULL;`,
  // Facts were renamed: webhooks that ask for them by their former names go on receiving them.
  `ALTER TABLE call_records ADD COLUMN client_id TEXT;
   UPDATE call_records SET client_id = call_id WHERE door = 'bandwidth';
   UPDATE webhooks SET events = replace(replace(replace(events, '"call.ringing"', '"call.arrived"'),
     '"device.connected"', '"signalling.back"'), '"device.disconnected"', '"signalling.lost"');`,
  // Records are looked for by what an operator is told of a call. With the account in front, as every query names it.
  `CREATE INDEX IF NOT EXISTS call_records_by_call_id ON call_records (account_id, call_id, position);
   CREATE INDEX IF NOT EXISTS call_records_by_voice_call_id ON call_records (account_id, voice_call_id, position)
     WHERE voice_call_id IS NOT NULL;
   CREATE INDEX IF NOT EXISTS call_records_by_caller
     ON call_records (account_id, json_extract(caller, '$.number'), position) WHERE caller IS NOT NULL;`,
  // Calls that were refused before they had a leg are recorded too, also those that named no participant and no account.
  // SQLite makes a column nullable only by making the table anew.
  `CREATE TABLE new_call_records (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     leg_id TEXT NOT NULL UNIQUE,
     account_id TEXT,
     session_id TEXT,
     session_tag TEXT,
     participant_id TEXT,
     participant_tag TEXT,
     door TEXT NOT NULL,
     kind TEXT,
     call_id TEXT NOT NULL,
     client_id TEXT,
     voice_call_id TEXT,
     caller TEXT,
     started_at INTEGER NOT NULL,
     answered_at INTEGER,
     established_at INTEGER,
     joined_at INTEGER,
     ended_at INTEGER,
     duration_ms INTEGER,
     outcome TEXT,
     statistics TEXT,
     refusal TEXT,
     is_turned_away INTEGER NOT NULL DEFAULT 0
   );
   INSERT INTO new_call_records (position, leg_id, account_id, session_id, session_tag, participant_id, participant_tag, door,
       kind, call_id, client_id, voice_call_id, caller, started_at, answered_at, established_at, joined_at, ended_at,
       duration_ms, outcome, statistics)
     SELECT position, leg_id, account_id, session_id, session_tag, participant_id, participant_tag, door,
       kind, call_id, client_id, voice_call_id, caller, started_at, answered_at, established_at, joined_at, ended_at,
       duration_ms, outcome, statistics
     FROM call_records ORDER BY position;
   DROP TABLE call_records;
   ALTER TABLE new_call_records RENAME TO call_records;
   CREATE INDEX call_records_of_account ON call_records (account_id, position);
   CREATE INDEX call_records_of_session ON call_records (session_id, position) WHERE session_id IS NOT NULL;
   CREATE INDEX call_records_of_participant ON call_records (participant_id, position);
   CREATE INDEX call_records_by_start ON call_records (started_at);
   CREATE INDEX call_records_open ON call_records (position) WHERE ended_at IS NULL;
   CREATE INDEX call_records_by_call_id ON call_records (account_id, call_id, position);
   CREATE INDEX call_records_by_voice_call_id ON call_records (account_id, voice_call_id, position)
     WHERE voice_call_id IS NOT NULL;
   CREATE INDEX call_records_by_caller
     ON call_records (account_id, json_extract(caller, '$.number'), position) WHERE caller IS NOT NULL;
   CREATE INDEX call_records_by_outcome
     ON call_records (account_id, json_extract(outcome, '$.reason'), position) WHERE outcome IS NOT NULL;
   CREATE INDEX call_records_turned_away ON call_records (account_id, position) WHERE is_turned_away = 1;`,
  `CREATE TABLE trunks (
     position INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     account_id TEXT NOT NULL,
     name TEXT,
     is_enabled INTEGER NOT NULL,
     inbound TEXT NOT NULL,
     numbers TEXT,
     allowed_callers TEXT,
     allowed_called TEXT,
     max_concurrent_calls INTEGER,
     max_calls_per_second INTEGER,
     created_at INTEGER NOT NULL,
     idempotency_key TEXT,
     fingerprint TEXT NOT NULL
   );
   CREATE INDEX trunks_of_account ON trunks (account_id, position);
   CREATE UNIQUE INDEX trunks_by_key ON trunks (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
   ALTER TABLE call_records ADD COLUMN trunk_id TEXT;`,
  `ALTER TABLE trunks ADD COLUMN digest_username TEXT;
   CREATE UNIQUE INDEX trunks_by_username ON trunks (digest_username) WHERE digest_username IS NOT NULL;`,
  `CREATE INDEX call_records_by_trunk ON call_records (account_id, trunk_id, position) WHERE trunk_id IS NOT NULL;`,
  `CREATE INDEX transfers_overdue ON transfers (expires_at)
     WHERE state = 'requested' OR (state = 'completed' AND removes_participant = 1);`,
  'ALTER TABLE call_records ADD COLUMN stir TEXT;',
  `ALTER TABLE trunks ADD COLUMN outbound TEXT;`,
  `DROP INDEX transfers_overdue;
   CREATE INDEX transfers_overdue ON transfers (expires_at)
     WHERE state = 'requested' OR (state IN ('completed', 'expired') AND removes_participant = 1);`,
  `ALTER TABLE trunks ADD COLUMN media TEXT;
   ALTER TABLE call_records ADD COLUMN headers TEXT;`,
  // How often a gateway has started over it: see `DatabaseHistory`.
  `CREATE TABLE history (id INTEGER PRIMARY KEY CHECK (id = 1), starts INTEGER NOT NULL);
   INSERT INTO history VALUES (1, 0);`,
];

export const schemaVersion = migrations.length;

/** Brings the database to the newest schema. Throws DataDirectoryUnusable where a newer Landbridge, or another program, made it. */
export function migrate(database: Database.Database): void {
  const upgrade = database.transaction(() => {
    refuseForeignSchema(database);
    const version = versionOf(database);
    for (const step of migrations.slice(version)) database.exec(step);
    if (version < migrations.length) database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
  upgrade.immediate();
}

/** Throws DataDirectoryUnusable where a newer Landbridge, or another program, made it; changes nothing. */
export function refuseForeignSchema(database: Database.Database): void {
  const version = versionOf(database);
  if (version > migrations.length) {
    throw new DataDirectoryUnusable(
      `The database in the data directory has schema version ${version}, and this version of Landbridge knows ` +
        `${migrations.length}: start the version that made it, or a newer one.`,
    );
  }
  if (version === 0 && tables(database) > 0) {
    throw new DataDirectoryUnusable(
      'The landbridge.db in the data directory is the database of another program.',
    );
  }
}

function versionOf(database: Database.Database): number {
  return (database.pragma('user_version') as { user_version: number }[])[0]?.user_version ?? 0;
}

function tables(database: Database.Database): number {
  return (database.prepare(`SELECT count(*) AS tables FROM sqlite_schema`).get() as { tables: number })
    .tables;
}
