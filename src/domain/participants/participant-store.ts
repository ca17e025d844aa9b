/**
 * The port of the store of sessions and participants. Every method is atomic: what must be true once, however many gateways share
 * the store, is claimed here.
 */
import type { Participant } from './participant.js';
import type { ParticipantChange } from './participant-change.js';
import type { Session } from './session.js';
import type { Subscriptions } from './subscriptions.js';

export type AddMemberResult =
  | { readonly result: 'added' | 'already-member'; readonly participant: Participant }
  | { readonly result: 'in-other-session' | 'session-full' | 'no-session' | 'no-participant' };

/** How a participant becomes a member. */
export interface NewMembership {
  readonly subscriptions: Subscriptions;
  /** The most members of the session, this one included. */
  readonly limit: number;
}

/** What is to become of one alias of a member. */
export interface AliasMute {
  readonly alias: string;
  readonly isMuted: boolean;
}

export interface MuteResult {
  readonly participant: Participant;
  /** False where it was so already. */
  readonly isChanged: boolean;
}

export type ClaimResult =
  | { readonly result: 'claimed'; readonly participant: Participant }
  | { readonly result: 'occupied' | 'used' | 'gone' | 'session-full' };

/** A leg that wants its participant's slot. */
export interface SlotClaim {
  readonly legId: string;
  readonly nodeId: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** So many legs at once in the participant's session, this one included. */
  readonly maxLegsInSession: number;
}

export interface StoredJoinCode {
  readonly participantId: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Every method rejects with DomainError('store-unavailable') when the store cannot be reached. */
export interface ParticipantStore {
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
  /** Resolves with the participant as it is now, or null. Rejects with DomainError `too-many-attributes`. */
  updateParticipant(
    accountId: string,
    participantId: string,
    change: ParticipantChange,
  ): Promise<Participant | null>;
  findJoinCode(joinCodeHash: string): Promise<StoredJoinCode | null>;

  listMembers(sessionId: string): Promise<readonly Participant[]>;
  /** Adds it to one session at a time, and to one with room. Subscriptions are replaced also where it was a member already. */
  addMember(
    accountId: string,
    sessionId: string,
    participantId: string,
    membership: NewMembership,
  ): Promise<AddMemberResult>;
  /** Resolves with the member as it was, or null where it was none. Its subscriptions and mutes go. */
  removeMember(accountId: string, sessionId: string, participantId: string): Promise<Participant | null>;
  /** Resolves with the member as it is now, or null where it is not a member of that session. */
  setSubscriptions(
    accountId: string,
    sessionId: string,
    participantId: string,
    subscriptions: Subscriptions,
  ): Promise<Participant | null>;
  /** Mutes or unmutes one alias of a member; null where it is none. Rejects with DomainError `too-many-muted-streams`. */
  setMuted(
    accountId: string,
    sessionId: string,
    participantId: string,
    mute: AliasMute,
  ): Promise<MuteResult | null>;

  /** Takes the participant's slot for a leg where its session has room for one; marks a `once` token used. */
  claimSlot(participantId: string, claim: SlotClaim): Promise<ClaimResult>;
  /**
   * Frees the slot if this leg holds it; otherwise does nothing. A `once` token whose leg was never answered is unused
   * again: a call that was refused or given up may be made anew.
   */
  releaseSlot(participantId: string, legId: string, wasAnswered: boolean): Promise<void>;
  /** Frees every slot that a node's legs hold (its earlier life ended); resolves with the participants as they were. */
  releaseNode(nodeId: string): Promise<readonly Participant[]>;
}
