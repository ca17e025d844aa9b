/** Every SQL statement about sessions and participants, prepared once per connection. */
import type Database from 'libsql';
import { changeable, insertParticipantSql, participantRows, sessionRows } from './participant-rows.js';
import type { SqliteConnection } from './sqlite-connection.js';

export function prepareStatements(connection: SqliteConnection) {
  const sql = (text: string): Database.Statement => connection.prepare(text);
  return {
    insertSession: sql(sessionRows.insertSql()),
    getSession: sql('SELECT * FROM sessions WHERE id = ? AND account_id = ?'),
    listSessions: sql(
      'SELECT * FROM sessions WHERE account_id = ? ORDER BY created_at DESC, rowid DESC LIMIT ?',
    ),
    deleteSession: sql('DELETE FROM sessions WHERE id = ? AND account_id = ?'),

    insertParticipant: sql(insertParticipantSql),
    getParticipant: sql('SELECT * FROM participants WHERE id = ? AND account_id = ?'),
    findParticipant: sql('SELECT * FROM participants WHERE id = ?'),
    listParticipants: sql(
      'SELECT * FROM participants WHERE account_id = ? ORDER BY created_at DESC, rowid DESC LIMIT ?',
    ),
    updateParticipant: sql(`${participantRows.updateSql(changeable)} WHERE id = ?`),
    deleteParticipant: sql('DELETE FROM participants WHERE id = ?'),
    findJoinCode: sql('SELECT id, join_code_expires_at FROM participants WHERE join_code_hash = ?'),

    listMembers: sql('SELECT * FROM participants WHERE session_id = ? ORDER BY created_at, rowid'),
    countMembers: sql('SELECT count(*) AS members FROM participants WHERE session_id = ?'),
    dropMembers: sql(
      `UPDATE participants SET session_id = NULL, subscriptions = '{}', muted_aliases = '[]' WHERE session_id = ?`,
    ),
    setMembership: sql('UPDATE participants SET session_id = ?, subscriptions = ? WHERE id = ?'),
    removeMember: sql(
      `UPDATE participants SET session_id = NULL, subscriptions = '{}', muted_aliases = '[]' WHERE id = ?`,
    ),
    setSubscriptions: sql(
      'UPDATE participants SET subscriptions = ? WHERE id = ? AND account_id = ? AND session_id = ? RETURNING *',
    ),
    setMutedAliases: sql('UPDATE participants SET muted_aliases = ? WHERE id = ?'),

    countLegs: sql('SELECT count(leg_id) AS legs FROM participants WHERE session_id = ?'),
    claimSlot: sql(
      'UPDATE participants SET leg_id = ?, node_id = ?, token_used_at = coalesce(token_used_at, ?) WHERE id = ?',
    ),
    releaseSlot: sql(
      `UPDATE participants SET leg_id = NULL, node_id = NULL,
         token_used_at = CASE WHEN ? = 1 OR token_use <> 'once' THEN token_used_at END
       WHERE id = ? AND leg_id = ?`,
    ),
    listNode: sql('SELECT * FROM participants WHERE node_id = ?'),
    releaseNode: sql('UPDATE participants SET leg_id = NULL, node_id = NULL WHERE node_id = ?'),
  };
}

export type Statements = ReturnType<typeof prepareStatements>;
