/** Transfers in SQLite. */
import type {
  ClaimTransferResult,
  Transfer,
  TransferClaim,
  TransferDetails,
  TransferStore,
} from '../../domain/transfers/transfer.js';
import { stateAfter, type TransferMove, type TransferState } from '../../domain/transfers/transfer-state.js';
import { insertParticipantSql, participantRows, sessionRows } from './participant-rows.js';
import { RowMapping } from './row-mapping.js';
import type { SqliteConnection } from './sqlite-connection.js';

const transferRows = new RowMapping<Transfer>('transfers', {
  id: 'id',
  accountId: 'account_id',
  key: 'idempotency_key',
  fingerprint: 'fingerprint',
  participantId: 'participant_id',
  sessionId: 'session_id',
  numberId: 'number_id',
  platform: 'platform',
  voiceCallId: 'voice_call_id',
  state: 'state',
  legId: 'leg_id',
  cause: 'cause',
  removesParticipant: { flag: 'removes_participant' },
  joinCodeHash: 'join_code_hash',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
});
/** What changes in a transfer's life. */
const changing = ['state', 'legId', 'cause', 'removesParticipant'] as const;

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
        this.#sql.insertSession.run(...sessionRows.values(session));
      } else if (this.#sql.getSession.get(transfer.sessionId, transfer.accountId) === undefined) {
        return { result: 'no-session' };
      } else {
        const { members } = this.#sql.countMembers.get(transfer.sessionId) as { members: number };
        if (members >= limit) return { result: 'session-full' };
      }
      const { joinCodeHash, expiresAt } = transfer;
      this.#sql.insertParticipant.run(...participantRows.values(participant), joinCodeHash, expiresAt);
      this.#sql.insert.run(...transferRows.values(transfer));
      return { result: 'created', transfer };
    });
  }

  getTransfer(accountId: string, transferId: string): Promise<Transfer | null> {
    return this.#connection.read(() => transferRows.read(this.#sql.get.get(transferId, accountId)));
  }

  findTransferByKey(accountId: string, key: string): Promise<Transfer | null> {
    return this.#connection.read(() => this.#findByKey(accountId, key));
  }

  findTransferByParticipant(participantId: string): Promise<Transfer | null> {
    return this.#connection.read(() => transferRows.read(this.#sql.findByParticipant.get(participantId)));
  }

  listTransfers(accountId: string, limit: number): Promise<readonly Transfer[]> {
    return this.#connection.read(() => transferRows.readAll(this.#sql.list.all(accountId, limit)));
  }

  moveTransfer(
    transferId: string,
    move: TransferMove,
    change: Partial<TransferDetails> = {},
  ): Promise<Transfer | null> {
    return this.#connection.writeDurably(() => {
      const before = transferRows.read(this.#sql.find.get(transferId));
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
      const before = transferRows.read(this.#sql.find.get(transferId));
      if (before !== null && states.includes(before.state)) this.#update({ ...before, ...change });
    });
  }

  overdueTransfers(now: number, limit: number): Promise<readonly Transfer[]> {
    return this.#connection.read(() => transferRows.readAll(this.#sql.overdue.all(now, limit)));
  }

  purgeTransfers(before: number, limit: number): Promise<number> {
    return this.#connection.run(() => this.#sql.purge.run(before, limit).changes);
  }

  #update(transfer: Transfer): Transfer {
    this.#sql.update.run(...transferRows.values(transfer, changing), transfer.id);
    return transfer;
  }

  #findByKey(accountId: string, key: string): Transfer | null {
    return transferRows.read(this.#sql.findByKey.get(accountId, key));
  }
}

/** Its condition is that of the index `transfers_overdue`, word for word: else all that are kept would be read every time. */
export const overdueSql = `SELECT * FROM transfers WHERE expires_at <= ?
   AND (state = 'requested' OR (state IN ('completed', 'expired') AND removes_participant = 1))
   ORDER BY expires_at LIMIT ?`;

function prepare(connection: SqliteConnection) {
  return {
    insertSession: connection.prepare(sessionRows.insertSql()),
    getSession: connection.prepare('SELECT 1 FROM sessions WHERE id = ? AND account_id = ?'),
    countMembers: connection.prepare('SELECT count(*) AS members FROM participants WHERE session_id = ?'),
    insertParticipant: connection.prepare(insertParticipantSql),
    insert: connection.prepare(transferRows.insertSql()),
    get: connection.prepare('SELECT * FROM transfers WHERE id = ? AND account_id = ?'),
    find: connection.prepare('SELECT * FROM transfers WHERE id = ?'),
    findByKey: connection.prepare('SELECT * FROM transfers WHERE account_id = ? AND idempotency_key = ?'),
    findByParticipant: connection.prepare('SELECT * FROM transfers WHERE participant_id = ?'),
    list: connection.prepare(
      'SELECT * FROM transfers WHERE account_id = ? ORDER BY created_at DESC, rowid DESC LIMIT ?',
    ),
    update: connection.prepare(`${transferRows.updateSql(changing)} WHERE id = ?`),
    overdue: connection.prepare(overdueSql),
    purge: connection.prepare(
      `DELETE FROM transfers WHERE id IN
         (SELECT id FROM transfers WHERE expires_at <= ?1
            AND (state IN ('completed', 'canceled', 'expired') OR expires_at <= ?1 - 604800000) LIMIT ?2)`,
    ),
  };
}
