/** The store in one SQLite file (or in memory): nothing else to install. Each method is atomic; those that write settle after the commit. */
import Database from 'libsql';
import { DomainError } from '../domain/domain-error.js';
import { silentLogger, type Logger } from '../domain/logger.js';
import type { Participant } from '../domain/participants/participant.js';
import type { Session } from '../domain/participants/session.js';
import {
  changeParticipant,
  muteAlias,
  type ParticipantChange,
} from '../domain/participants/participant-change.js';
import type {
  AddMemberResult,
  ClaimResult,
  SlotClaim,
  MuteResult,
  ParticipantStore,
  StoredJoinCode,
} from '../domain/participants/participant-store.js';
import type { Subscriptions } from '../domain/participants/subscriptions.js';
import { GroupCommit } from './group-commit.js';
import { migrate, schemaVersion } from './migrations.js';
import {
  participantValues,
  toParticipant,
  toSession,
  type ParticipantRow,
  type SessionRow,
} from './participant-row.js';
import { prepareWal, type WalSync, walSyncOf } from './wal-sync.js';
import { prepareStatements, type Statements } from './statements.js';

/**
 * `normal`: a commit is in the kernel's hands before it is acknowledged, so `kill -9` loses nothing; a power cut may
 * lose the last commits, never the file's consistency. `full`: each commit is brought to the disk at once, and `settled`
 * tells when it is there; the gateway does other things meanwhile, and what is written in that time shares the next sync.
 */
export type SqliteSynchronous = 'normal' | 'full';

export interface SqliteStoreOptions {
  /** File, or `:memory:`. */
  readonly path: string;
  /** Default `normal`. */
  readonly synchronous?: SqliteSynchronous;
  /** How long a statement waits for another connection's write. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** `checkWritable` writes where no write was tried for this long. Default 1000. */
  readonly writableForMs?: number;
  /** Learns why the store was unavailable. */
  readonly logger?: Logger;
}

/** Opens the database and brings its schema up to date. Throws where the file cannot be opened or is from a newer version. */
export function createSqliteStore(options: SqliteStoreOptions): ParticipantStore {
  const database = new Database(options.path);
  try {
    database.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs ?? 5000}`);
    prepareWal(database);
    database.exec('PRAGMA foreign_keys = ON');
    migrate(database);
    return new SqliteStore(database, options);
  } catch (error) {
    database.close();
    throw error;
  }
}

class SqliteStore implements ParticipantStore {
  readonly #database: Database.Database;
  readonly #statements: Statements;
  readonly #commits: GroupCommit;
  readonly #wal: WalSync | null;
  /** The sync that covers every commit so far. */
  #synced: Promise<void> = Promise.resolve();
  #isClosing = false;
  readonly #logger: Logger;
  readonly #writableForMs: number;
  /** How the last write went, and when. */
  #lastWrite: { readonly at: number; readonly fault: DomainError | null } = { at: -Infinity, fault: null };

  constructor(database: Database.Database, options: SqliteStoreOptions) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    const wal = walSyncOf(options);
    this.#wal = wal;
    this.#commits = new GroupCommit(database, () => {
      if (wal === null) return;
      this.#synced = wal.sync();
      // Whoever waits for it is told; nobody need.
      this.#synced.catch(() => undefined);
    });
    this.#logger = options.logger ?? silentLogger;
    this.#writableForMs = options.writableForMs ?? 1000;
  }

  createSession(session: Session): Promise<void> {
    return this.#write((sql) => {
      sql.insertSession.run(session.id, session.accountId, session.tag, session.createdAt);
    });
  }

  getSession(accountId: string, sessionId: string): Promise<Session | null> {
    return this.#read((sql) => {
      const row = sql.getSession.get(sessionId, accountId) as SessionRow | undefined;
      return row === undefined ? null : toSession(row);
    });
  }

  listSessions(accountId: string, limit: number): Promise<readonly Session[]> {
    return this.#read((sql) => (sql.listSessions.all(accountId, limit) as SessionRow[]).map(toSession));
  }

  deleteSession(accountId: string, sessionId: string): Promise<readonly Participant[] | null> {
    return this.#write((sql) => {
      if (sql.getSession.get(sessionId, accountId) === undefined) return null;
      const members = (sql.listMembers.all(sessionId) as ParticipantRow[]).map(toParticipant);
      sql.dropMembers.run(sessionId);
      sql.deleteSession.run(sessionId, accountId);
      return members;
    });
  }

  createParticipant(
    participant: Participant,
    joinCodeHash: string,
    joinCodeExpiresAt: number,
  ): Promise<void> {
    return this.#write((sql) => {
      sql.insertParticipant.run(...participantValues(participant, joinCodeHash, joinCodeExpiresAt));
    });
  }

  getParticipant(accountId: string, participantId: string): Promise<Participant | null> {
    return this.#read((sql) => {
      const row = sql.getParticipant.get(participantId, accountId) as ParticipantRow | undefined;
      return row === undefined ? null : toParticipant(row);
    });
  }

  findParticipant(participantId: string): Promise<Participant | null> {
    return this.#read((sql) => find(sql, participantId));
  }

  listParticipants(accountId: string, limit: number): Promise<readonly Participant[]> {
    return this.#read((sql) =>
      (sql.listParticipants.all(accountId, limit) as ParticipantRow[]).map(toParticipant),
    );
  }

  updateParticipant(
    accountId: string,
    participantId: string,
    change: ParticipantChange,
  ): Promise<Participant | null> {
    return this.#write((sql) => {
      const row = sql.getParticipant.get(participantId, accountId) as ParticipantRow | undefined;
      if (row === undefined) return null;
      const after = changeParticipant(toParticipant(row), change);
      sql.updateParticipant.run(
        after.displayName,
        after.tag,
        JSON.stringify(after.publishPermissions),
        JSON.stringify(after.attributes),
        participantId,
      );
      return after;
    });
  }

  deleteParticipant(accountId: string, participantId: string): Promise<Participant | null> {
    return this.#write((sql) => {
      const row = sql.getParticipant.get(participantId, accountId) as ParticipantRow | undefined;
      if (row === undefined) return null;
      sql.deleteParticipant.run(participantId);
      return toParticipant(row);
    });
  }

  findJoinCode(joinCodeHash: string): Promise<StoredJoinCode | null> {
    return this.#read((sql) => {
      const row = sql.findJoinCode.get(joinCodeHash) as
        { id: string; join_code_expires_at: number } | undefined;
      return row === undefined ? null : { participantId: row.id, expiresAt: row.join_code_expires_at };
    });
  }

  listMembers(sessionId: string): Promise<readonly Participant[]> {
    return this.#read((sql) => (sql.listMembers.all(sessionId) as ParticipantRow[]).map(toParticipant));
  }

  addMember(
    accountId: string,
    sessionId: string,
    participantId: string,
    subscriptions: Subscriptions,
    limit: number,
  ): Promise<AddMemberResult> {
    return this.#write((sql): AddMemberResult => {
      if (sql.getSession.get(sessionId, accountId) === undefined) return { result: 'no-session' };
      const row = sql.getParticipant.get(participantId, accountId) as ParticipantRow | undefined;
      if (row === undefined) return { result: 'no-participant' };
      if (row.session_id !== null && row.session_id !== sessionId) return { result: 'in-other-session' };
      const isMember = row.session_id === sessionId;
      const { members } = sql.countMembers.get(sessionId) as { members: number };
      if (!isMember && members >= limit) return { result: 'session-full' };
      sql.setMembership.run(sessionId, JSON.stringify(subscriptions), participantId);
      const participant = { ...toParticipant(row), sessionId, subscriptions };
      return { result: isMember ? 'already-member' : 'added', participant };
    });
  }

  removeMember(accountId: string, sessionId: string, participantId: string): Promise<Participant | null> {
    return this.#write((sql) => {
      const member = getMember(sql, accountId, sessionId, participantId);
      if (member !== null) sql.removeMember.run(participantId);
      return member;
    });
  }

  setSubscriptions(
    accountId: string,
    sessionId: string,
    participantId: string,
    subscriptions: Subscriptions,
  ): Promise<Participant | null> {
    return this.#write((sql) => {
      const text = JSON.stringify(subscriptions);
      const row = sql.setSubscriptions.get(text, participantId, accountId, sessionId) as
        ParticipantRow | undefined;
      return row === undefined ? null : toParticipant(row);
    });
  }

  setMuted(
    accountId: string,
    sessionId: string,
    participantId: string,
    alias: string,
    isMuted: boolean,
  ): Promise<MuteResult | null> {
    return this.#write((sql) => {
      const member = getMember(sql, accountId, sessionId, participantId);
      if (member === null) return null;
      const mutedAliases = muteAlias(member.mutedAliases, alias, isMuted);
      if (mutedAliases === member.mutedAliases) return { participant: member, isChanged: false };
      sql.setMutedAliases.run(JSON.stringify(mutedAliases), participantId);
      return { participant: { ...member, mutedAliases }, isChanged: true };
    });
  }

  /** A leg that claims again what it holds is told `claimed`. A used `once` token is refused as used even while its leg is up. */
  claimSlot(participantId: string, claim: SlotClaim): Promise<ClaimResult> {
    const { legId, nodeId, now, maxLegsInSession } = claim;
    return this.#write((sql): ClaimResult => {
      const before = find(sql, participantId);
      if (before === null) return { result: 'gone' };
      if (before.legId === legId) return { result: 'claimed', participant: before };
      if (before.tokenUse === 'once' && before.tokenUsedAt !== null) return { result: 'used' };
      if (before.legId !== null) return { result: 'occupied' };
      const members = before.sessionId === null ? null : sql.countLegs.get(before.sessionId);
      if (members !== null && (members as { legs: number }).legs >= maxLegsInSession)
        return { result: 'session-full' };
      sql.claimSlot.run(legId, nodeId, now, participantId);
      return { result: 'claimed', participant: { ...before, legId, tokenUsedAt: before.tokenUsedAt ?? now } };
    });
  }

  releaseSlot(participantId: string, legId: string, wasAnswered: boolean): Promise<void> {
    return this.#write((sql) => {
      sql.releaseSlot.run(wasAnswered ? 1 : 0, participantId, legId);
    });
  }

  releaseNode(nodeId: string): Promise<readonly Participant[]> {
    return this.#write((sql) => {
      const rows = sql.listNode.all(nodeId) as ParticipantRow[];
      sql.releaseNode.run(nodeId);
      return rows.map(toParticipant);
    });
  }

  async checkWritable(): Promise<void> {
    const { at, fault } = this.#lastWrite;
    if (performance.now() - at >= this.#writableForMs) {
      // The version that it has: SQLite writes the page all the same.
      await this.#write(() => this.#database.exec(`PRAGMA user_version = ${schemaVersion}`));
    } else if (fault !== null) {
      throw fault;
    }
  }

  async settled(): Promise<void> {
    try {
      await this.#synced;
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#commits.flush();
    await this.#wal?.close();
    this.#database.close();
  }

  async #write<T>(work: (statements: Statements) => T): Promise<T> {
    try {
      if (this.#isClosing) throw new Error('The store is closed.');
      const result = await this.#commits.write(() => work(this.#statements));
      this.#lastWrite = { at: performance.now(), fault: null };
      return result;
    } catch (error) {
      const refusal = this.#refusal(error);
      if (refusal !== error) this.#lastWrite = { at: performance.now(), fault: refusal };
      throw refusal;
    }
  }

  #read<T>(work: (statements: Statements) => T): Promise<T> {
    try {
      // libsql lets statements outlive their connection, so a closed store must refuse by itself.
      if (this.#isClosing) throw new Error('The store is closed.');
      return Promise.resolve(work(this.#statements));
    } catch (error) {
      return Promise.reject(this.#refusal(error));
    }
  }

  /** A rule is not a fault, and what broke it is told as it is. */
  #refusal(error: unknown): DomainError {
    if (error instanceof DomainError) return error;
    this.#logger.error({ err: error }, 'store unavailable');
    return new DomainError('store-unavailable', 'The store cannot be reached');
  }
}

function getMember(
  sql: Statements,
  accountId: string,
  sessionId: string,
  participantId: string,
): Participant | null {
  const row = sql.getParticipant.get(participantId, accountId) as ParticipantRow | undefined;
  return row?.session_id === sessionId ? toParticipant(row) : null;
}

function find(sql: Statements, participantId: string): Participant | null {
  const row = sql.findParticipant.get(participantId) as ParticipantRow | undefined;
  return row === undefined ? null : toParticipant(row);
}
