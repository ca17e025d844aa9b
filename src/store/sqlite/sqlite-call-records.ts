/** Call detail records in SQLite. */
import type {
  CallRecord,
  CallRecordChange,
  CallRecordPage,
  CallRecordQuery,
  CallRecordStore,
} from '../../domain/facts/call-record.js';
import { firstPage, RowMapping } from './row-mapping.js';
import type { SqliteConnection } from './sqlite-connection.js';

interface Placed {
  readonly position: number;
}

const recordRows = new RowMapping<CallRecord>('call_records', {
  legId: 'leg_id',
  accountId: 'account_id',
  sessionId: 'session_id',
  sessionTag: 'session_tag',
  participantId: 'participant_id',
  participantTag: 'participant_tag',
  door: 'door',
  kind: 'kind',
  callId: 'call_id',
  clientId: 'client_id',
  voiceCallId: 'voice_call_id',
  trunkId: 'trunk_id',
  caller: { json: 'caller' },
  stir: { json: 'stir' },
  headers: { json: 'headers' },
  startedAt: 'started_at',
  answeredAt: 'answered_at',
  establishedAt: 'established_at',
  joinedAt: 'joined_at',
  endedAt: 'ended_at',
  durationMs: 'duration_ms',
  outcome: { json: 'outcome' },
  refusal: { json: 'refusal' },
  statistics: { json: 'statistics' },
});

const defaultMaxTurnedAway = 10_000;

export class SqliteCallRecords implements CallRecordStore {
  readonly #connection: SqliteConnection;
  readonly #maxTurnedAway: number;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(connection: SqliteConnection, maxTurnedAway = defaultMaxTurnedAway) {
    this.#connection = connection;
    this.#maxTurnedAway = maxTurnedAway;
    this.#sql = prepare(connection);
  }

  applyRecordChanges(changes: readonly CallRecordChange[]): Promise<void> {
    return this.#connection.writeDurably(() => {
      for (const change of changes) this.#apply(change);
      const crowded = changes.flatMap((one) => (one.change === 'turned-away' ? [one.accountId] : []));
      for (const accountId of new Set(crowded)) this.#sql.makeRoom.run(accountId, this.#maxTurnedAway);
    });
  }

  /** The statement is made of the conditions that the query has, so that SQLite chooses the narrowest index. */
  listRecords(query: CallRecordQuery): Promise<CallRecordPage> {
    const conditions: [sql: string, value: string | number | undefined][] = [
      ['session_id = ?', query.sessionId],
      ['participant_id = ?', query.participantId],
      ['leg_id = ?', query.legId],
      ['call_id = ?', query.callId],
      ['voice_call_id = ?', query.voiceCallId],
      ['trunk_id = ?', query.trunkId],
      [
        `caller IS NOT NULL AND json_extract(caller, '$.number') IN (SELECT value FROM json_each(?))`,
        query.callerNumbers === undefined ? undefined : JSON.stringify(query.callerNumbers),
      ],
      [`outcome IS NOT NULL AND json_extract(outcome, '$.reason') = ?`, query.outcome],
      ['started_at >= ?', query.from],
      ['started_at < ?', query.to],
      ['position < ?', query.after],
    ];
    const given = conditions.filter(([, value]) => value !== undefined);
    const where = given.map(([sql]) => ` AND ${sql}`).join('');
    const values = given.map(([, value]) => value);
    return this.#connection.read(() => {
      const select = (owner: string) =>
        this.#connection.prepare(
          `SELECT * FROM call_records WHERE account_id ${owner}${where} ORDER BY position DESC LIMIT ?`,
        );
      const theirs = select('= ?').all(query.accountId, ...values, query.limit + 1) as Placed[];
      // In a statement of its own: of two owners in one, SQLite would sort all the rows that there are.
      const nobodys =
        query.withNobodys === true ? (select('IS NULL').all(...values, query.limit + 1) as Placed[]) : [];
      const rows = [...theirs, ...nobodys].sort((one, other) => other.position - one.position);
      const { page, next } = firstPage(rows, query.limit);
      return { records: recordRows.readAll(page), next };
    });
  }

  listOpenRecords(): Promise<readonly CallRecord[]> {
    return this.#connection.read(() => recordRows.readAll(this.#sql.listOpen.all()));
  }

  pruneRecords(before: number, limit: number): Promise<number> {
    return this.#connection.run(() => this.#sql.prune.run(before, before, limit).changes);
  }

  formerAccount(participantId: string): Promise<string | null> {
    return this.#connection.read(() => {
      const row = this.#sql.formerAccount.get(participantId) as { readonly account_id: string } | undefined;
      return row?.account_id ?? null;
    });
  }

  #apply(change: CallRecordChange): void {
    const sql = this.#sql;
    switch (change.change) {
      case 'started':
        sql.start.run(...beginningOf(change), change.clientId, jsonOf(change.stir), jsonOf(change.headers));
        return;
      case 'answered':
        sql.answer.run(change.kind, change.at, change.legId);
        return;
      case 'established':
        sql.establish.run(change.at, change.legId);
        return;
      case 'joined':
        sql.join.run(change.sessionId, change.sessionId, change.at, change.legId);
        return;
      case 'ended':
        sql.end.run(change.at, change.durationMs, JSON.stringify(change.outcome), change.legId);
        return;
      case 'measured':
        sql.measure.run(JSON.stringify(change.statistics), change.legId);
        return;
      case 'refused':
        sql.refuse.run(JSON.stringify(change.refusal), change.sipStatus, change.sipStatus, change.legId);
        return;
      case 'turned-away':
        sql.turnAway.run(
          ...beginningOf(change),
          change.lastAt,
          JSON.stringify(change.outcome),
          JSON.stringify(change.refusal),
        );
        return;
    }
  }
}

function jsonOf(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** The values of `beginningColumns`. */
function beginningOf(change: Extract<CallRecordChange, { readonly change: 'started' | 'turned-away' }>) {
  const { legId, accountId, sessionId, participantId, participantTag, door, callId, voiceCallId, trunkId } =
    change;
  const caller = jsonOf(change.caller);
  return [
    ...[legId, accountId, sessionId, sessionId, participantId, participantTag],
    ...[door, callId, voiceCallId, trunkId, caller, change.at],
  ] as const;
}

const beginningColumns = `leg_id, account_id, session_id, session_tag, participant_id, participant_tag,
         door, call_id, voice_call_id, trunk_id, caller, started_at`;
const beginningValues = '?, ?, ?, (SELECT tag FROM sessions WHERE id = ?), ?, ?, ?, ?, ?, ?, ?, ?';

function prepare(connection: SqliteConnection) {
  return {
    start: connection.prepare(
      `INSERT OR IGNORE INTO call_records (${beginningColumns}, client_id, stir, headers)
         VALUES (${beginningValues}, ?, ?, ?)`,
    ),
    answer: connection.prepare(
      'UPDATE call_records SET kind = ?, answered_at = coalesce(answered_at, ?) WHERE leg_id = ?',
    ),
    establish: connection.prepare(
      'UPDATE call_records SET established_at = coalesce(established_at, ?) WHERE leg_id = ?',
    ),
    join: connection.prepare(
      `UPDATE call_records SET session_id = ?, session_tag = (SELECT tag FROM sessions WHERE id = ?),
         joined_at = coalesce(joined_at, ?) WHERE leg_id = ?`,
    ),
    end: connection.prepare(
      'UPDATE call_records SET ended_at = ?, duration_ms = ?, outcome = ? WHERE leg_id = ? AND ended_at IS NULL',
    ),
    measure: connection.prepare('UPDATE call_records SET statistics = ? WHERE leg_id = ?'),
    refuse: connection.prepare(
      `UPDATE call_records SET refusal = ?,
         outcome = CASE WHEN ? IS NULL THEN outcome ELSE json_set(outcome, '$.sipStatus', ?) END WHERE leg_id = ?`,
    ),
    turnAway: connection.prepare(
      `INSERT INTO call_records (${beginningColumns}, ended_at, duration_ms, outcome, refusal, is_turned_away)
       VALUES (${beginningValues}, ?, 0, ?, ?, 1)
       ON CONFLICT (leg_id) DO UPDATE SET ended_at = excluded.ended_at, refusal = excluded.refusal`,
    ),
    // The newest are skipped along the index.
    makeRoom: connection.prepare(
      `DELETE FROM call_records WHERE position IN
         (SELECT position FROM call_records WHERE is_turned_away = 1 AND account_id IS ? ORDER BY position DESC
          LIMIT -1 OFFSET ?)`,
    ),
    formerAccount: connection.prepare(
      `SELECT account_id FROM call_records WHERE participant_id = ? AND account_id IS NOT NULL LIMIT 1`,
    ),
    listOpen: connection.prepare('SELECT * FROM call_records WHERE ended_at IS NULL ORDER BY position'),
    // A record starts before it ends: the index on the start narrows it down.
    prune: connection.prepare(
      `DELETE FROM call_records WHERE position IN
         (SELECT position FROM call_records WHERE started_at < ? AND ended_at < ? ORDER BY started_at LIMIT ?)`,
    ),
  };
}
