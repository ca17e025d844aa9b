import Database from 'libsql';
import { describe, expect, it } from 'vitest';
import { migrate, schemaVersion } from './migrations.js';

/** The schema version from which on an arriving call is told as `call.arrived`. */
const renamedIn = 7;

describe('an upgrade', () => {
  it('lets webhooks that name facts by their former names go on hearing of them', () => {
    const database = new Database(':memory:');
    migrate(database);
    // As it was before facts were renamed.
    database.exec(`ALTER TABLE call_records DROP COLUMN client_id; PRAGMA user_version = ${renamedIn - 1};
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
});
