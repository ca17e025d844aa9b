/** Sessions and participants in SQLite. Writes resolve after their commit and do not wait for the disk, because calls wait for them. */
import type { Participant } from '../../domain/participants/participant.js';
import type { Session } from '../../domain/participants/session.js';
import {
  changeParticipant,
  muteAlias,
  type ParticipantChange,
} from '../../domain/participants/participant-change.js';
import type {
  AddMemberResult,
  AliasMute,
  ClaimResult,
  SlotClaim,
  MuteResult,
  NewMembership,
  ParticipantStore,
  StoredJoinCode,
} from '../../domain/participants/participant-store.js';
import type { Subscriptions } from '../../domain/participants/subscriptions.js';
import { changeable, participantRows, sessionRows } from './participant-rows.js';
import type { SqliteConnection } from './sqlite-connection.js';
import { prepareStatements, type Statements } from './statements.js';

export class SqliteParticipants implements ParticipantStore {
  readonly #connection: SqliteConnection;
  readonly #statements: Statements;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#statements = prepareStatements(connection);
  }

  createSession(session: Session): Promise<void> {
    return this.#write((sql) => {
      sql.insertSession.run(...sessionRows.values(session));
    });
  }

  getSession(accountId: string, sessionId: string): Promise<Session | null> {
    return this.#read((sql) => sessionRows.read(sql.getSession.get(sessionId, accountId)));
  }

  listSessions(accountId: string, limit: number): Promise<readonly Session[]> {
    return this.#read((sql) => sessionRows.readAll(sql.listSessions.all(accountId, limit)));
  }

  deleteSession(accountId: string, sessionId: string): Promise<readonly Participant[] | null> {
    return this.#write((sql) => {
      if (sql.getSession.get(sessionId, accountId) === undefined) return null;
      const members = participantRows.readAll(sql.listMembers.all(sessionId));
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
      sql.insertParticipant.run(...participantRows.values(participant), joinCodeHash, joinCodeExpiresAt);
    });
  }

  getParticipant(accountId: string, participantId: string): Promise<Participant | null> {
    return this.#read((sql) => get(sql, accountId, participantId));
  }

  findParticipant(participantId: string): Promise<Participant | null> {
    return this.#read((sql) => find(sql, participantId));
  }

  listParticipants(accountId: string, limit: number): Promise<readonly Participant[]> {
    return this.#read((sql) => participantRows.readAll(sql.listParticipants.all(accountId, limit)));
  }

  updateParticipant(
    accountId: string,
    participantId: string,
    change: ParticipantChange,
  ): Promise<Participant | null> {
    return this.#write((sql) => {
      const before = get(sql, accountId, participantId);
      if (before === null) return null;
      const after = changeParticipant(before, change);
      sql.updateParticipant.run(...participantRows.values(after, changeable), participantId);
      return after;
    });
  }

  deleteParticipant(accountId: string, participantId: string): Promise<Participant | null> {
    return this.#write((sql) => {
      const participant = get(sql, accountId, participantId);
      if (participant !== null) sql.deleteParticipant.run(participantId);
      return participant;
    });
  }

  findJoinCode(joinCodeHash: string): Promise<StoredJoinCode | null> {
    return this.#read((sql) => {
      const row = sql.findJoinCode.get(joinCodeHash) as
        | { id: string; join_code_expires_at: number }
        | undefined;
      return row === undefined ? null : { participantId: row.id, expiresAt: row.join_code_expires_at };
    });
  }

  listMembers(sessionId: string): Promise<readonly Participant[]> {
    return this.#read((sql) => participantRows.readAll(sql.listMembers.all(sessionId)));
  }

  addMember(
    accountId: string,
    sessionId: string,
    participantId: string,
    { subscriptions, limit }: NewMembership,
  ): Promise<AddMemberResult> {
    return this.#write((sql): AddMemberResult => {
      if (sql.getSession.get(sessionId, accountId) === undefined) return { result: 'no-session' };
      const before = get(sql, accountId, participantId);
      if (before === null) return { result: 'no-participant' };
      const isMember = before.sessionId === sessionId;
      if (!isMember && before.sessionId !== null) return { result: 'in-other-session' };
      const { members } = sql.countMembers.get(sessionId) as { members: number };
      if (!isMember && members >= limit) return { result: 'session-full' };
      sql.setMembership.run(sessionId, JSON.stringify(subscriptions), participantId);
      const participant = { ...before, sessionId, subscriptions };
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
      return participantRows.read(sql.setSubscriptions.get(text, participantId, accountId, sessionId));
    });
  }

  setMuted(
    accountId: string,
    sessionId: string,
    participantId: string,
    { alias, isMuted }: AliasMute,
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
      const participants = participantRows.readAll(sql.listNode.all(nodeId));
      sql.releaseNode.run(nodeId);
      return participants;
    });
  }

  #write<T>(work: (statements: Statements) => T): Promise<T> {
    return this.#connection.write(() => work(this.#statements));
  }

  #read<T>(work: (statements: Statements) => T): Promise<T> {
    return this.#connection.read(() => work(this.#statements));
  }
}

function get(sql: Statements, accountId: string, participantId: string): Participant | null {
  return participantRows.read(sql.getParticipant.get(participantId, accountId));
}

function getMember(
  sql: Statements,
  accountId: string,
  sessionId: string,
  participantId: string,
): Participant | null {
  const participant = get(sql, accountId, participantId);
  return participant?.sessionId === sessionId ? participant : null;
}

function find(sql: Statements, participantId: string): Participant | null {
  return participantRows.read(sql.findParticipant.get(participantId));
}
