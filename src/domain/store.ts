/** What outlives the process. Every method is atomic; what must be true once in a cluster is claimed here (design, section 10). */
import type { Participant } from './participant.js';
import type { Session } from './session.js';
import type { Subscriptions } from './subscriptions.js';

export type AddMemberResult =
  'added' | 'already-member' | 'in-other-session' | 'session-full' | 'no-session' | 'no-participant';

export type ClaimResult =
  | { readonly result: 'claimed'; readonly participant: Participant }
  | { readonly result: 'occupied' | 'used' | 'gone' };

export interface StoredJoinCode {
  readonly participantId: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Every method rejects with DomainError('store-unavailable') when the store cannot be reached. */
export interface Store {
  createSession(session: Session): Promise<void>;
  getSession(accountId: string, sessionId: string): Promise<Session | null>;
  /** Newest first, at most `limit`. */
  listSessions(accountId: string, limit: number): Promise<readonly Session[]>;
  /** Ends every membership and drops the members' subscriptions. Resolves with the former members, or null where there was no such session. */
  deleteSession(accountId: string, sessionId: string): Promise<readonly Participant[] | null>;

  /** Stores the participant and its join code (only a hash of the code is kept). */
  createParticipant(participant: Participant, joinCodeHash: string, joinCodeExpiresAt: number): Promise<void>;
  getParticipant(accountId: string, participantId: string): Promise<Participant | null>;
  /** By id alone: for doors, whose credential names no account. */
  findParticipant(participantId: string): Promise<Participant | null>;
  listParticipants(accountId: string, limit: number): Promise<readonly Participant[]>;
  /** Resolves with what was deleted, or null. Its join code goes with it. */
  deleteParticipant(accountId: string, participantId: string): Promise<Participant | null>;
  findJoinCode(joinCodeHash: string): Promise<StoredJoinCode | null>;

  listMembers(sessionId: string): Promise<readonly Participant[]>;
  /** Joins atomically: one session at a time, at most `limit` members. Subscriptions are replaced also where it was a member already. */
  addMember(
    accountId: string,
    sessionId: string,
    participantId: string,
    subscriptions: Subscriptions,
    limit: number,
  ): Promise<AddMemberResult>;
  /** Resolves with false where it was not a member. Its subscriptions go. */
  removeMember(accountId: string, sessionId: string, participantId: string): Promise<boolean>;
  /** Resolves with false where it is not a member of that session. */
  setSubscriptions(
    accountId: string,
    sessionId: string,
    participantId: string,
    subscriptions: Subscriptions,
  ): Promise<boolean>;

  /** Takes the participant's slot for a leg; marks a `once` token used. */
  claimSlot(participantId: string, legId: string, nodeId: string, now: number): Promise<ClaimResult>;
  /** Frees the slot if this leg holds it; otherwise does nothing. */
  releaseSlot(participantId: string, legId: string): Promise<void>;
  /** Frees every slot that a node's legs hold (its earlier life ended); resolves with the participants as they were. */
  releaseNode(nodeId: string): Promise<readonly Participant[]>;
  close(): Promise<void>;
}
