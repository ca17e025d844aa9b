import { afterEach, beforeEach, expect, it } from 'vitest';
import { SqliteConnection } from './sqlite-connection.js';
import { SqliteTrunks } from './sqlite-trunks.js';

let connection: SqliteConnection;
beforeEach(() => {
  connection = SqliteConnection.open({ path: ':memory:' });
});
afterEach(() => connection.close());

it.each([
  ['asserted', ['p-asserted-identity', 'remote-party-id', 'p-preferred-identity', 'from']],
  ['from', ['from']],
])(
  'reads a trunk that an earlier version kept, whose caller was looked for by the word %s, with the defaults of what came later',
  async (callerIdentity, places) => {
    const inbound = JSON.stringify({ networks: ['192.0.2.1'], calledNumber: ['to'], callerIdentity });
    connection
      .prepare(
        `INSERT INTO trunks (id, account_id, is_enabled, inbound, created_at, fingerprint)
           VALUES ('t', 'acme', 1, ?, 1, 'f')`,
      )
      .run(inbound);
    expect(await new SqliteTrunks(connection).getTrunk('acme', 't')).toMatchObject({
      inbound: {
        ...{ networks: ['192.0.2.1'], calledNumber: ['to'], callerIdentity: places, headers: [] },
        ...{ certificateNames: [], digest: null, stir: 'off', verifiedBy: 'gateway' },
      },
      ...{ outbound: null, media: { codecs: null, dtmf: 'auto', srtp: null } },
    });
  },
);
