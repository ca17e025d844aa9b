/** What is kept of recordings, in SQLite. */
import type { RecordingReason } from '../../domain/outcome.js';
import type { RecordingFormat } from '../../domain/media-plane.js';
import {
  stateAfter,
  type ClaimRecordingResult,
  type Recording,
  type RecordingEnd,
  type RecordingPage,
  type RecordingQuery,
  type RecordingState,
  type RecordingStore,
} from '../../domain/recordings/recording.js';
import type { SqliteConnection } from './sqlite-connection.js';

interface RecordingRow {
  readonly position: number;
  readonly id: string;
  readonly account_id: string;
  readonly session_id: string;
  readonly participant_id: string | null;
  readonly tag: string | null;
  readonly format: string;
  readonly state: string;
  readonly reason: string | null;
  readonly duration_ms: number | null;
  readonly bytes: number;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly idempotency_key: string | null;
}

export class SqliteRecordings implements RecordingStore {
  readonly #connection: SqliteConnection;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#sql = prepare(connection);
  }

  claimRecording(recording: Recording, nodeId: string, limit: number): Promise<ClaimRecordingResult> {
    const { accountId, sessionId, key } = recording;
    return this.#connection.writeDurably((): ClaimRecordingResult => {
      const existing = key === null ? null : toRecording(this.#sql.findByKey.get(accountId, key));
      if (existing !== null) return { result: 'existing', recording: existing };
      if (this.#sql.getSession.get(sessionId, accountId) === undefined) return { result: 'no-session' };
      const { recordings } = this.#sql.count.get(accountId) as { recordings: number };
      if (recordings >= limit) return { result: 'too-many' };
      this.#sql.insert.run(
        ...[recording.id, accountId, sessionId, recording.participantId, recording.tag, recording.format],
        ...[nodeId, recording.state, recording.bytes, recording.startedAt, key],
      );
      return { result: 'claimed' };
    });
  }

  getRecording(accountId: string, recordingId: string): Promise<Recording | null> {
    return this.#connection.read(() => toRecording(this.#sql.get.get(recordingId, accountId)));
  }

  findRecordingByKey(accountId: string, key: string): Promise<Recording | null> {
    return this.#connection.read(() => toRecording(this.#sql.findByKey.get(accountId, key)));
  }

  listRecordings({ accountId, sessionId, limit, after }: RecordingQuery): Promise<RecordingPage> {
    const before = after ?? Number.MAX_SAFE_INTEGER;
    return this.#connection.read(() => {
      const rows = (
        sessionId === undefined
          ? this.#sql.list.all(accountId, before, limit + 1)
          : this.#sql.listOfSession.all(sessionId, accountId, before, limit + 1)
      ) as RecordingRow[];
      const page = rows.slice(0, limit);
      const next = rows.length > page.length ? (page.at(-1)?.position ?? null) : null;
      return { recordings: toRecordings(page), next };
    });
  }

  endRecording(recordingId: string, end: RecordingEnd): Promise<Recording | null> {
    const { reason, durationMs, bytes, endedAt } = end;
    return this.#connection.writeDurably(() => {
      this.#sql.end.run(stateAfter(reason), reason, durationMs, bytes, endedAt, recordingId, reason);
      return toRecording(this.#sql.find.get(recordingId));
    });
  }

  deleteRecording(accountId: string, recordingId: string): Promise<Recording | null> {
    return this.#connection.writeDurably(() => {
      const recording = toRecording(this.#sql.get.get(recordingId, accountId));
      this.#sql.remove.run(recordingId, accountId);
      return recording;
    });
  }

  recordedBytes(accountId: string): Promise<number> {
    return this.#connection.read(() => (this.#sql.sum.get(accountId) as { bytes: number | null }).bytes ?? 0);
  }

  listRunningRecordings(nodeId: string): Promise<readonly Recording[]> {
    return this.#connection.read(() => toRecordings(this.#sql.listRunning.all(nodeId)));
  }

  scanRecordings(afterId: string, limit: number): Promise<readonly Recording[]> {
    return this.#connection.read(() => toRecordings(this.#sql.scan.all(afterId, limit)));
  }

  listRecordingsEndedBefore(before: number, limit: number): Promise<readonly Recording[]> {
    return this.#connection.read(() => toRecordings(this.#sql.endedBefore.all(before, limit)));
  }
}

function prepare(connection: SqliteConnection) {
  return {
    getSession: connection.prepare('SELECT 1 FROM sessions WHERE id = ? AND account_id = ?'),
    count: connection.prepare('SELECT count(*) AS recordings FROM recordings WHERE account_id = ?'),
    insert: connection.prepare(
      `INSERT INTO recordings (id, account_id, session_id, participant_id, tag, format, node_id, state, bytes,
         started_at, idempotency_key)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    get: connection.prepare('SELECT * FROM recordings WHERE id = ? AND account_id = ?'),
    find: connection.prepare('SELECT * FROM recordings WHERE id = ?'),
    findByKey: connection.prepare('SELECT * FROM recordings WHERE account_id = ? AND idempotency_key = ?'),
    list: connection.prepare(
      'SELECT * FROM recordings WHERE account_id = ? AND position < ? ORDER BY position DESC LIMIT ?',
    ),
    listOfSession: connection.prepare(
      `SELECT * FROM recordings WHERE session_id = ? AND account_id = ? AND position < ?
       ORDER BY position DESC LIMIT ?`,
    ),
    end: connection.prepare(
      `UPDATE recordings SET state = ?, reason = ?, duration_ms = ?, bytes = ?, ended_at = ?
       WHERE id = ? AND (state = 'recording' OR ? = 'file-lost')`,
    ),
    remove: connection.prepare('DELETE FROM recordings WHERE id = ? AND account_id = ?'),
    sum: connection.prepare('SELECT sum(bytes) AS bytes FROM recordings WHERE account_id = ?'),
    listRunning: connection.prepare(
      `SELECT * FROM recordings WHERE node_id = ? AND state = 'recording' ORDER BY position`,
    ),
    scan: connection.prepare('SELECT * FROM recordings WHERE id > ? ORDER BY id LIMIT ?'),
    endedBefore: connection.prepare('SELECT * FROM recordings WHERE ended_at < ? ORDER BY ended_at LIMIT ?'),
  };
}

function toRecordings(rows: readonly unknown[]): Recording[] {
  return rows.flatMap((row) => toRecording(row) ?? []);
}

function toRecording(found: unknown): Recording | null {
  if (found === undefined) return null;
  const row = found as RecordingRow;
  return {
    id: row.id,
    accountId: row.account_id,
    sessionId: row.session_id,
    participantId: row.participant_id,
    tag: row.tag,
    format: row.format as RecordingFormat,
    state: row.state as RecordingState,
    reason: row.reason as RecordingReason | null,
    durationMs: row.duration_ms,
    bytes: row.bytes,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    key: row.idempotency_key,
  };
}
