/** Transfers in SQLite. */
import type {
  ClaimTransferResult,
  Transfer,
  TransferClaim,
  TransferDetails,
  TransferStore,
} from '../../domain/transfers/transfer.js';
import { stateAfter, type TransferMove, type TransferState } from '../../domain/transfers/transfer-state.js';
import { insertParticipantSql, participantValues } from './participant-row.js';
import type { SqliteConnection } from './sqlite-connection.js';

interface TransferRow {
  readonly id: string;
  readonly account_id: string;
  readonly idempotency_key: string | null;
  readonly fingerprint: string;
  readonly participant_id: string;
  readonly session_id: string;
  readonly number_id: string | null;
  readonly platform: string | null;
  readonly voice_call_id: string | null;
  readonly state: string;
  readonly leg_id: string | null;
  readonly cause: string | null;
  readonly removes_participant: number;
  readonly join_code_hash: string;
  readonly created_at: number;
  readonly expires_at: number;
}

export class SqliteTransfers implements TransferStore {
  readonly #connection: SqliteConnection;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#sql = prepare(connection);
  }

  claimTransfer({ transfer, participant, session, limit }: TransferClaim): Promise<ClaimTransferResult> {
    return this.#connection.writeDurably((): ClaimTransferResult => {
      const existing = transfer.key === null ? null : this.#findByKey(transfer.accountId, transfer.key);
      if (existing !== null) return { result: 'existing', transfer: existing };
      if (session !== null) {
        this.#sql.insertSession.run(session.id, session.accountId, session.tag, session.createdAt);
      } else if (this.#sql.getSession.get(transfer.sessionId, transfer.accountId) === undefined) {
        return { result: 'no-session' };
      } else {
        const { members } = this.#sql.countMembers.get(transfer.sessionId) as { members: number };
        if (members >= limit) return { result: 'session-full' };
      }
      this.#sql.insertParticipant.run(
        ...participantValues(participant, transfer.joinCodeHash, transfer.expiresAt),
      );
      this.#sql.insert.run(...values(transfer));
      return { result: 'created', transfer };
    });
  }

  getTransfer(accountId: string, transferId: string): Promise<Transfer | null> {
    return this.#connection.read(() => toTransfer(this.#sql.get.get(transferId, accountId)));
  }

  findTransferByKey(accountId: string, key: string): Promise<Transfer | null> {
    return this.#connection.read(() => this.#findByKey(accountId, key));
  }

  findTransferByParticipant(participantId: string): Promise<Transfer | null> {
    return this.#connection.read(() => toTransfer(this.#sql.findByParticipant.get(participantId)));
  }

  listTransfers(accountId: string, limit: number): Promise<readonly Transfer[]> {
    return this.#connection.read(() => toTransfers(this.#sql.list.all(accountId, limit)));
  }

  moveTransfer(
    transferId: string,
    move: TransferMove,
    change: Partial<TransferDetails> = {},
  ): Promise<Transfer | null> {
    return this.#connection.writeDurably(() => {
      const before = toTransfer(this.#sql.find.get(transferId));
      const state = before === null ? null : stateAfter(before.state, move);
      return before === null || state === null ? null : this.#update({ ...before, ...change, state });
    });
  }

  async amendTransfer(
    transferId: string,
    states: readonly TransferState[],
    change: Partial<TransferDetails>,
  ): Promise<void> {
    await this.#connection.writeDurably(() => {
      const before = toTransfer(this.#sql.find.get(transferId));
      if (before !== null && states.includes(before.state)) this.#update({ ...before, ...change });
    });
  }

  overdueTransfers(now: number, limit: number): Promise<readonly Transfer[]> {
    return this.#connection.read(() => toTransfers(this.#sql.overdue.all(now, limit)));
  }

  async purgeTransfers(before: number, limit: number): Promise<void> {
    await this.#connection.run(() => this.#sql.purge.run(before, limit));
  }

  #update(transfer: Transfer): Transfer {
    const removes = transfer.removesParticipant ? 1 : 0;
    this.#sql.update.run(transfer.state, transfer.legId, transfer.cause, removes, transfer.id);
    return transfer;
  }

  #findByKey(accountId: string, key: string): Transfer | null {
    return toTransfer(this.#sql.findByKey.get(accountId, key));
  }
}

function prepare(connection: SqliteConnection) {
  return {
    insertSession: connection.prepare(
      'INSERT INTO sessions (id, account_id, tag, created_at) VALUES (?, ?, ?, ?)',
    ),
    getSession: connection.prepare('SELECT 1 FROM sessions WHERE id = ? AND account_id = ?'),
    countMembers: connection.prepare('SELECT count(*) AS members FROM participants WHERE session_id = ?'),
    insertParticipant: connection.prepare(insertParticipantSql),
    insert: connection.prepare(
      `INSERT INTO transfers (id, account_id, idempotency_key, fingerprint, participant_id, session_id, number_id,
         platform, voice_call_id, state, leg_id, cause, removes_participant, join_code_hash, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    get: connection.prepare('SELECT * FROM transfers WHERE id = ? AND account_id = ?'),
    find: connection.prepare('SELECT * FROM transfers WHERE id = ?'),
    findByKey: connection.prepare('SELECT * FROM transfers WHERE account_id = ? AND idempotency_key = ?'),
    findByParticipant: connection.prepare('SELECT * FROM transfers WHERE participant_id = ?'),
    list: connection.prepare(
      'SELECT * FROM transfers WHERE account_id = ? ORDER BY created_at DESC, rowid DESC LIMIT ?',
    ),
    update: connection.prepare(
      'UPDATE transfers SET state = ?, leg_id = ?, cause = ?, removes_participant = ? WHERE id = ?',
    ),
    overdue: connection.prepare(
      `SELECT * FROM transfers WHERE expires_at <= ?
         AND (state = 'requested' OR (state = 'completed' AND removes_participant = 1))
       ORDER BY expires_at LIMIT ?`,
    ),
    purge: connection.prepare(
      `DELETE FROM transfers WHERE id IN
         (SELECT id FROM transfers WHERE expires_at <= ?1
            AND (state IN ('completed', 'canceled', 'expired') OR expires_at <= ?1 - 604800000) LIMIT ?2)`,
    ),
  };
}

function values(transfer: Transfer): (string | number | null)[] {
  return [
    transfer.id,
    transfer.accountId,
    transfer.key,
    transfer.fingerprint,
    transfer.participantId,
    transfer.sessionId,
    transfer.numberId,
    transfer.platform,
    transfer.voiceCallId,
    transfer.state,
    transfer.legId,
    transfer.cause,
    transfer.removesParticipant ? 1 : 0,
    transfer.joinCodeHash,
    transfer.createdAt,
    transfer.expiresAt,
  ];
}

function toTransfers(rows: unknown[]): Transfer[] {
  return rows.map((row) => toTransfer(row)).filter((transfer) => transfer !== null);
}

function toTransfer(found: unknown): Transfer | null {
  if (found === undefined) return null;
  const row = found as TransferRow;
  return {
    id: row.id,
    accountId: row.account_id,
    key: row.idempotency_key,
    fingerprint: row.fingerprint,
    participantId: row.participant_id,
    sessionId: row.session_id,
    numberId: row.number_id,
    platform: row.platform,
    voiceCallId: row.voice_call_id,
    state: row.state as TransferState,
    legId: row.leg_id,
    cause: row.cause,
    removesParticipant: row.removes_participant === 1,
    joinCodeHash: row.join_code_hash,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
