/** Trunks in SQLite. */
import {
  callerPlaces,
  type CallerIdentity,
  type CreateTrunkResult,
  type Trunk,
  type TrunkMedia,
  type TrunkPage,
  type TrunkQuery,
  type TrunkStore,
} from '../../domain/trunks/trunk.js';
import { firstPage, RowMapping } from './row-mapping.js';
import type { SqliteConnection } from './sqlite-connection.js';

const trunkRows = new RowMapping<Trunk>('trunks', {
  id: 'id',
  accountId: 'account_id',
  name: 'name',
  isEnabled: { flag: 'is_enabled' },
  inbound: { json: 'inbound' },
  outbound: { json: 'outbound' },
  media: { json: 'media' },
  numbers: { json: 'numbers' },
  allowedCallers: { json: 'allowed_callers' },
  allowedCalled: { json: 'allowed_called' },
  maxConcurrentCalls: 'max_concurrent_calls',
  maxCallsPerSecond: 'max_calls_per_second',
  createdAt: 'created_at',
  key: 'idempotency_key',
  fingerprint: 'fingerprint',
});
const replaceable = [
  ...(['name', 'isEnabled', 'inbound', 'outbound', 'media', 'numbers', 'allowedCallers'] as const),
  ...(['allowedCalled', 'maxConcurrentCalls', 'maxCallsPerSecond'] as const),
] as const;

export class SqliteTrunks implements TrunkStore {
  readonly #connection: SqliteConnection;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#sql = prepare(connection);
  }

  createTrunk(trunk: Trunk, limit: number): Promise<CreateTrunkResult> {
    const { accountId, key } = trunk;
    const username = usernameOf(trunk);
    return this.#connection.writeDurably((): CreateTrunkResult => {
      const existing = key === null ? null : read(this.#sql.findByKey.get(accountId, key));
      if (existing !== null) return { result: 'existing', trunk: existing };
      const { trunks } = this.#sql.count.get(accountId) as { trunks: number };
      if (trunks >= limit) return { result: 'too-many' };
      if (this.#isTaken(trunk)) return { result: 'username-taken' };
      this.#sql.insert.run(...trunkRows.values(trunk), username);
      return { result: 'created' };
    });
  }

  replaceTrunk(trunk: Trunk): Promise<'replaced' | 'username-taken' | 'gone'> {
    return this.#connection.writeDurably(() => {
      if (this.#isTaken(trunk)) return 'username-taken';
      const values = [...trunkRows.values(trunk, replaceable), usernameOf(trunk)];
      return this.#sql.replace.run(...values, trunk.id, trunk.accountId).changes === 1 ? 'replaced' : 'gone';
    });
  }

  getTrunk(accountId: string, trunkId: string): Promise<Trunk | null> {
    return this.#connection.read(() => read(this.#sql.get.get(trunkId, accountId)));
  }

  listTrunks({ accountId, limit, after }: TrunkQuery): Promise<TrunkPage> {
    const before = after ?? Number.MAX_SAFE_INTEGER;
    return this.#connection.read(() => {
      const { page, next } = firstPage(this.#sql.list.all(accountId, before, limit + 1), limit);
      return { trunks: page.flatMap((row) => read(row) ?? []), next };
    });
  }

  allTrunks(): Promise<readonly Trunk[]> {
    return this.#connection.read(() => this.#sql.all.all().flatMap((row) => read(row) ?? []));
  }

  deleteTrunk(accountId: string, trunkId: string): Promise<boolean> {
    return this.#connection.writeDurably(() => this.#sql.remove.run(trunkId, accountId).changes === 1);
  }

  #isTaken(trunk: Trunk): boolean {
    const username = usernameOf(trunk);
    if (username === null) return false;
    const holder = this.#sql.holder.get(username) as { readonly id: string } | undefined;
    return holder !== undefined && holder.id !== trunk.id;
  }
}

function usernameOf({ inbound }: Trunk): string | null {
  return inbound.digest?.username ?? null;
}

const earlier = {
  ...{ certificateNames: [], digest: null, stir: 'off', verifiedBy: 'gateway', headers: [] },
} as const;

/** Null where there is no row. One of an earlier version lacks what came later. */
function read(row: unknown): Trunk | null {
  const trunk = trunkRows.read(row);
  return (
    trunk && {
      ...trunk,
      inbound: {
        ...earlier,
        ...trunk.inbound,
        callerIdentity: identityOf(trunk.inbound.callerIdentity),
      },
      media: mediaOf(trunk.media),
    }
  );
}

function mediaOf(kept: Partial<TrunkMedia> | null): TrunkMedia {
  return { codecs: null, dtmf: 'auto', srtp: null, ...kept };
}

/** It was a word before it was a list. */
function identityOf(kept: CallerIdentity | 'asserted' | 'from'): CallerIdentity {
  if (kept === 'asserted') return callerPlaces;
  return kept === 'from' ? ['from'] : kept;
}

function prepare(connection: SqliteConnection) {
  return {
    insert: connection.prepare(trunkRows.insertSql('digest_username')),
    holder: connection.prepare('SELECT id FROM trunks WHERE digest_username = ?'),
    replace: connection.prepare(
      `${trunkRows.updateSql(replaceable)}, digest_username = ? WHERE id = ? AND account_id = ?`,
    ),
    get: connection.prepare('SELECT * FROM trunks WHERE id = ? AND account_id = ?'),
    findByKey: connection.prepare('SELECT * FROM trunks WHERE account_id = ? AND idempotency_key = ?'),
    count: connection.prepare('SELECT count(*) AS trunks FROM trunks WHERE account_id = ?'),
    list: connection.prepare(
      'SELECT * FROM trunks WHERE account_id = ? AND position < ? ORDER BY position DESC LIMIT ?',
    ),
    all: connection.prepare('SELECT * FROM trunks ORDER BY position'),
    remove: connection.prepare('DELETE FROM trunks WHERE id = ? AND account_id = ?'),
  };
}
