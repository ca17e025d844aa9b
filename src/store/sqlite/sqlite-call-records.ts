/** Call detail records in SQLite. */
import type { Caller } from '../../domain/participants/caller.js';
import type {
  CallRecord,
  CallRecordChange,
  CallRecordPage,
  CallRecordQuery,
  CallRecordStore,
} from '../../domain/facts/call-record.js';
import type { LegKind, MediaLegStatistics } from '../../domain/media-plane.js';
import type { Outcome } from '../../domain/outcome.js';
import type { SqliteConnection } from './sqlite-connection.js';

interface RecordRow {
  readonly position: number;
  readonly leg_id: string;
  readonly account_id: string;
  readonly session_id: string | null;
  readonly session_tag: string | null;
  readonly participant_id: string;
  readonly participant_tag: string | null;
  readonly door: string;
  readonly kind: string | null;
  readonly call_id: string;
  readonly client_id: string | null;
  readonly voice_call_id: string | null;
  readonly caller: string | null;
  readonly started_at: number;
  readonly answered_at: number | null;
  readonly established_at: number | null;
  readonly joined_at: number | null;
  readonly ended_at: number | null;
  readonly duration_ms: number | null;
  readonly outcome: string | null;
  readonly statistics: string | null;
}

export class SqliteCallRecords implements CallRecordStore {
  readonly #connection: SqliteConnection;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#sql = prepare(connection);
  }

  applyRecordChanges(changes: readonly CallRecordChange[]): Promise<void> {
    return this.#connection.writeDurably(() => {
      for (const change of changes) this.#apply(change);
    });
  }

  /** The statement is made of the conditions that the query has, so that SQLite chooses the narrowest index. */
  listRecords(query: CallRecordQuery): Promise<CallRecordPage> {
    const conditions: [sql: string, value: string | number | undefined][] = [
      ['account_id = ?', query.accountId],
      ['session_id = ?', query.sessionId],
      ['participant_id = ?', query.participantId],
      ['started_at >= ?', query.from],
      ['started_at < ?', query.to],
      ['position < ?', query.after],
    ];
    const given = conditions.filter(([, value]) => value !== undefined);
    const where = given.map(([sql]) => sql).join(' AND ');
    return this.#connection.read(() => {
      const statement = this.#connection.prepare(
        `SELECT * FROM call_records WHERE ${where} ORDER BY position DESC LIMIT ?`,
      );
      const rows = statement.all(...given.map(([, value]) => value), query.limit + 1) as RecordRow[];
      const page = rows.slice(0, query.limit);
      const next = rows.length > page.length ? (page.at(-1)?.position ?? null) : null;
      return { records: page.map(toRecord), next };
    });
  }

  listOpenRecords(): Promise<readonly CallRecord[]> {
    return this.#connection.read(() => (this.#sql.listOpen.all() as RecordRow[]).map(toRecord));
  }

  pruneRecords(before: number, limit: number): Promise<number> {
    return this.#connection.run(() => this.#sql.prune.run(before, before, limit).changes);
  }

  #apply(change: CallRecordChange): void {
    const sql = this.#sql;
    switch (change.change) {
      case 'started':
        sql.start.run(
          change.legId,
          change.accountId,
          change.sessionId,
          change.sessionId,
          change.participantId,
          change.participantTag,
          change.door,
          change.callId,
          change.clientId,
          change.voiceCallId,
          change.caller === null ? null : JSON.stringify(change.caller),
          change.at,
        );
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
    }
  }
}

function prepare(connection: SqliteConnection) {
  return {
    start: connection.prepare(
      `INSERT OR IGNORE INTO call_records (leg_id, account_id, session_id, session_tag, participant_id,
         participant_tag, door, call_id, client_id, voice_call_id, caller, started_at)
       VALUES (?, ?, ?, (SELECT tag FROM sessions WHERE id = ?), ?, ?, ?, ?, ?, ?, ?, ?)`,
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
    listOpen: connection.prepare('SELECT * FROM call_records WHERE ended_at IS NULL ORDER BY position'),
    // A record starts before it ends: the index on the start narrows it down.
    prune: connection.prepare(
      `DELETE FROM call_records WHERE position IN
         (SELECT position FROM call_records WHERE started_at < ? AND ended_at < ? ORDER BY started_at LIMIT ?)`,
    ),
  };
}

function toRecord(row: RecordRow): CallRecord {
  return {
    legId: row.leg_id,
    accountId: row.account_id,
    sessionId: row.session_id,
    sessionTag: row.session_tag,
    participantId: row.participant_id,
    participantTag: row.participant_tag,
    door: row.door,
    kind: row.kind as LegKind | null,
    callId: row.call_id,
    clientId: row.client_id,
    voiceCallId: row.voice_call_id,
    caller: row.caller === null ? null : (JSON.parse(row.caller) as Caller),
    startedAt: row.started_at,
    answeredAt: row.answered_at,
    establishedAt: row.established_at,
    joinedAt: row.joined_at,
    endedAt: row.ended_at,
    durationMs: row.duration_ms,
    outcome: row.outcome === null ? null : (JSON.parse(row.outcome) as Outcome),
    statistics: row.statistics === null ? null : (JSON.parse(row.statistics) as MediaLegStatistics),
  };
}
