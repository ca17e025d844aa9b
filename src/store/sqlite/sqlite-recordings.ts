/** What is kept of recordings, in SQLite. */
import {
  stateAfter,
  type ClaimRecordingResult,
  type Recording,
  type RecordingEnd,
  type RecordingPage,
  type RecordingQuery,
  type RecordingStore,
} from '../../domain/recordings/recording.js';
import { firstPage, RowMapping } from './row-mapping.js';
import type { SqliteConnection } from './sqlite-connection.js';

const recordingRows = new RowMapping<Recording>('recordings', {
  id: 'id',
  accountId: 'account_id',
  sessionId: 'session_id',
  participantId: 'participant_id',
  tag: 'tag',
  format: 'format',
  state: 'state',
  reason: 'reason',
  durationMs: 'duration_ms',
  bytes: 'bytes',
  startedAt: 'started_at',
  endedAt: 'ended_at',
  key: 'idempotency_key',
});

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
      const existing = key === null ? null : recordingRows.read(this.#sql.findByKey.get(accountId, key));
      if (existing !== null) return { result: 'existing', recording: existing };
      if (this.#sql.getSession.get(sessionId, accountId) === undefined) return { result: 'no-session' };
      const { recordings } = this.#sql.count.get(accountId) as { recordings: number };
      if (recordings >= limit) return { result: 'too-many' };
      this.#sql.insert.run(...recordingRows.values(recording), nodeId);
      return { result: 'claimed' };
    });
  }

  getRecording(accountId: string, recordingId: string): Promise<Recording | null> {
    return this.#connection.read(() => recordingRows.read(this.#sql.get.get(recordingId, accountId)));
  }

  findRecordingByKey(accountId: string, key: string): Promise<Recording | null> {
    return this.#connection.read(() => recordingRows.read(this.#sql.findByKey.get(accountId, key)));
  }

  listRecordings({ accountId, sessionId, limit, after }: RecordingQuery): Promise<RecordingPage> {
    const before = after ?? Number.MAX_SAFE_INTEGER;
    return this.#connection.read(() => {
      const rows =
        sessionId === undefined
          ? this.#sql.list.all(accountId, before, limit + 1)
          : this.#sql.listOfSession.all(sessionId, accountId, before, limit + 1);
      const { page, next } = firstPage(rows, limit);
      return { recordings: recordingRows.readAll(page), next };
    });
  }

  endRecording(recordingId: string, end: RecordingEnd): Promise<Recording | null> {
    const { reason, durationMs, bytes, endedAt } = end;
    return this.#connection.writeDurably(() => {
      this.#sql.end.run(stateAfter(reason), reason, durationMs, bytes, endedAt, recordingId, reason);
      return recordingRows.read(this.#sql.find.get(recordingId));
    });
  }

  deleteRecording(accountId: string, recordingId: string): Promise<Recording | null> {
    return this.#connection.writeDurably(() => {
      const recording = recordingRows.read(this.#sql.get.get(recordingId, accountId));
      this.#sql.remove.run(recordingId, accountId);
      return recording;
    });
  }

  recordedBytes(accountId: string): Promise<number> {
    return this.#connection.read(() => (this.#sql.sum.get(accountId) as { bytes: number | null }).bytes ?? 0);
  }

  listRunningRecordings(nodeId: string): Promise<readonly Recording[]> {
    return this.#connection.read(() => recordingRows.readAll(this.#sql.listRunning.all(nodeId)));
  }

  scanRecordings(afterId: string, limit: number): Promise<readonly Recording[]> {
    return this.#connection.read(() => recordingRows.readAll(this.#sql.scan.all(afterId, limit)));
  }

  listRecordingsEndedBefore(before: number, limit: number): Promise<readonly Recording[]> {
    return this.#connection.read(() => recordingRows.readAll(this.#sql.endedBefore.all(before, limit)));
  }
}

function prepare(connection: SqliteConnection) {
  return {
    getSession: connection.prepare('SELECT 1 FROM sessions WHERE id = ? AND account_id = ?'),
    count: connection.prepare('SELECT count(*) AS recordings FROM recordings WHERE account_id = ?'),
    insert: connection.prepare(recordingRows.insertSql('node_id')),
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
