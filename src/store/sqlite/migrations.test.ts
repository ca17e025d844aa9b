import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { migrate, schemaVersion } from './migrations.js';

/** The schema version from which on an arriving call is told as `call.arrived`. */
const renamedIn = 7;

/** The schema version from which on calls are recorded that were refused. */
const refusedIn = 9;

describe('an upgrade', () => {
  it('lets webhooks that name facts by their former names go on hearing of them', () => {
    const database = new Database(':memory:');
    migrate(database);
    // As it was before facts were renamed.
    database.exec(`DROP TABLE trunks; DROP TABLE history; DROP INDEX transfers_overdue; ALTER TABLE call_records DROP COLUMN client_id; PRAGMA user_version = ${renamedIn - 1};
      INSERT INTO webhooks (id, account_id, url, events, secret, created_at) VALUES
        ('w1', 'acme', 'https://app.example/', '["call.ringing","device.connected","device.disconnected"]', 's', 1),
        ('w2', 'acme', 'https://app.example/', NULL, 's', 1)`);
    migrate(database);
    const rows = database.prepare('SELECT events FROM webhooks ORDER BY id').all() as {
      events: string | null;
    }[];
    expect(rows.map(({ events }) => events)).toEqual([
      '["call.arrived","signalling.back","signalling.lost"]',
      null,
    ]);
    expect(schemaVersion).toBeGreaterThanOrEqual(renamedIn);
  });

  it('keeps the records of calls in their order when refused ones come beside them', () => {
    const database = new Database(':memory:');
    migrate(database);
    // As it was before a record could be nobody's.
    database.exec(`DROP TABLE trunks; DROP TABLE history; DROP INDEX transfers_overdue; DROP TABLE call_records;
      CREATE TABLE call_records (position INTEGER PRIMARY KEY AUTOINCREMENT, leg_id TEXT NOT NULL UNIQUE,
        account_id TEXT NOT NULL, session_id TEXT, session_tag TEXT, participant_id TEXT NOT NULL, participant_tag TEXT,
        door TEXT NOT NULL, kind TEXT, call_id TEXT NOT NULL, voice_call_id TEXT, caller TEXT, started_at INTEGER NOT NULL,
        answered_at INTEGER, established_at INTEGER, joined_at INTEGER, ended_at INTEGER, duration_ms INTEGER, outcome TEXT,
        statistics TEXT, client_id TEXT);
      INSERT INTO call_records (leg_id, account_id, participant_id, door, call_id, started_at, client_id)
        VALUES ('l1', 'acme', 'p', 'sip', 'c1', 1, NULL), ('l2', 'acme', 'p', 'bandwidth', 'c2', 2, 'c2');
      PRAGMA user_version = ${refusedIn - 1}`);
    migrate(database);
    const insert = `INSERT INTO call_records (leg_id, door, call_id, started_at) VALUES ('r1', 'sip', 'c4', 4)`;
    database.exec(insert);
    const rows = database
      .prepare('SELECT position, leg_id, client_id, is_turned_away FROM call_records')
      .all();
    expect(rows).toEqual([
      { position: 1, leg_id: 'l1', client_id: null, is_turned_away: 0 },
      { position: 2, leg_id: 'l2', client_id: 'c2', is_turned_away: 0 },
      { position: 3, leg_id: 'r1', client_id: null, is_turned_away: 0 },
    ]);
    expect(() => database.exec(insert)).toThrow(/UNIQUE/);
  });
});
