/** Finds sessions and participants that nobody uses any more, by the activity that the outbox notes with each fact. */
import type { Abandoned, AbandonmentStore } from '../../domain/sessions/abandonment.js';
import type { SqliteConnection } from './sqlite-connection.js';

export class SqliteAbandonment implements AbandonmentStore {
  readonly #connection: SqliteConnection;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#sql = prepare(connection);
  }

  abandonedSessions(before: number, limit: number): Promise<readonly Abandoned[]> {
    return this.#connection.read(() => this.#sql.sessions.all(before, limit) as Abandoned[]);
  }

  abandonedParticipants(before: number, limit: number): Promise<readonly Abandoned[]> {
    return this.#connection.read(() => this.#sql.participants.all(before, limit) as Abandoned[]);
  }

  async forgetDeleted(before: number, limit: number): Promise<void> {
    await this.#connection.run(() => this.#sql.forget.run(before, limit));
  }
}

function prepare(connection: SqliteConnection) {
  return {
    sessions: connection.prepare(
      `SELECT sessions.account_id AS accountId, sessions.id FROM activity JOIN sessions USING (id)
       WHERE changed_at < ? AND NOT EXISTS
         (SELECT 1 FROM participants WHERE session_id = sessions.id AND leg_id IS NOT NULL)
       ORDER BY changed_at LIMIT ?`,
    ),
    participants: connection.prepare(
      `SELECT account_id AS accountId, participants.id FROM activity JOIN participants USING (id)
       WHERE changed_at < ? AND leg_id IS NULL AND session_id IS NULL ORDER BY changed_at LIMIT ?`,
    ),
    forget: connection.prepare(
      `DELETE FROM activity WHERE id IN
         (SELECT id FROM activity WHERE changed_at < ? AND of <> 'account'
            AND id NOT IN (SELECT id FROM sessions) AND id NOT IN (SELECT id FROM participants) LIMIT ?)`,
    ),
  };
}
