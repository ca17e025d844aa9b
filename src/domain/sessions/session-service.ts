/** The session rules that applications drive: create, delete, add, remove, subscribe. REST and hooks call this. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { DomainError, type DomainErrorCode } from '../domain-error.js';
import { participantSubject, sessionSubject } from '../facts/event-subjects.js';
import type { EventRecorder } from '../facts/event-recorder.js';
import { createJoinCode, hashJoinCode } from '../participants/join-code.js';
import type { LegControl, StreamDescription } from '../legs/leg-control.js';
import type { MediaStreamInfo } from '../media-plane.js';
import type { Participant } from '../participants/participant.js';
import type { ParticipantChange } from '../participants/participant-change.js';

import { newParticipant, type NewParticipant } from '../participants/new-participant.js';
import type { Session } from '../participants/session.js';
import type { ParticipantStore } from '../participants/participant-store.js';
import { noSubscriptions, type Subscriptions } from '../participants/subscriptions.js';
import type { TokenCodec } from '../participants/token.js';

export interface SessionLimits {
  readonly maxParticipantsPerSession: number;
  readonly tokenTtlSeconds: number;
}

export interface CreatedParticipant {
  readonly participant: Participant;
  readonly token: string;
  readonly joinCode: string;
}

export interface SessionServiceOptions {
  readonly store: ParticipantStore;
  readonly legs: LegControl;
  readonly tokens: TokenCodec;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly limits: SessionLimits;
}

const addMemberErrors = {
  'no-session': ['session-not-found', 'Session not found'],
  'no-participant': ['participant-not-found', 'Participant not found'],
  'in-other-session': ['participant-in-other-session', 'Participant is in another session'],
  'session-full': ['session-full', 'Session is full'],
} as const satisfies Record<string, readonly [DomainErrorCode, string]>;

export class SessionService {
  readonly #store: ParticipantStore;
  readonly #legs: LegControl;
  readonly #tokens: TokenCodec;
  readonly #events: EventRecorder;
  readonly #clock: Clock;
  readonly #limits: SessionLimits;

  constructor(options: SessionServiceOptions) {
    this.#store = options.store;
    this.#legs = options.legs;
    this.#tokens = options.tokens;
    this.#events = options.events;
    this.#clock = options.clock;
    this.#limits = options.limits;
  }

  async createSession(accountId: string, tag: string | null): Promise<Session> {
    const session: Session = { id: randomUUID(), accountId, tag, createdAt: this.#clock.now() };
    await this.#store.createSession(session);
    this.#events.record('session.created', sessionSubject(session), { tag });
    return session;
  }

  async getSession(accountId: string, sessionId: string): Promise<Session> {
    const session = await this.#store.getSession(accountId, sessionId);
    if (session === null) throw new DomainError('session-not-found', 'Session not found');
    return session;
  }

  listSessions(accountId: string, limit: number): Promise<readonly Session[]> {
    return this.#store.listSessions(accountId, limit);
  }

  /** Ends its phone legs; its browser legs stay connected without a session. */
  async deleteSession(accountId: string, sessionId: string): Promise<void> {
    const session = await this.getSession(accountId, sessionId);
    await this.#legs.sessionEnding(sessionId);
    const members = await this.#store.deleteSession(accountId, sessionId);
    if (members === null) throw new DomainError('session-not-found', 'Session not found');
    // At once: what others do next to the members must find them gone from here.
    await this.#legs.sessionDeleted(members.map(withoutSession));
    this.#events.record('session.deleted', sessionSubject(session), {});
    // What began in the meantime.
    await this.#legs.sessionEnding(sessionId);
  }

  async createParticipant(accountId: string, wanted: NewParticipant): Promise<CreatedParticipant> {
    const now = this.#clock.now();
    const participant = newParticipant(accountId, wanted, now);
    const expiresAt = now + this.#limits.tokenTtlSeconds * 1000;
    const joinCode = createJoinCode();
    await this.#store.createParticipant(participant, hashJoinCode(joinCode), expiresAt);
    this.#events.record('participant.created', participantSubject(participant), profile(participant));
    return { participant, token: this.#tokens.sign(participant.id, expiresAt), joinCode };
  }

  async getParticipant(accountId: string, participantId: string): Promise<Participant> {
    const participant = await this.#store.getParticipant(accountId, participantId);
    if (participant === null) throw new DomainError('participant-not-found', 'Participant not found');
    return participant;
  }

  listParticipants(accountId: string, limit: number): Promise<readonly Participant[]> {
    return this.#store.listParticipants(accountId, limit);
  }

  /** Holds at once: a live leg no longer publishes what it may not, and publishes again what it may. */
  async updateParticipant(
    accountId: string,
    participantId: string,
    change: ParticipantChange,
  ): Promise<Participant> {
    const participant = await this.#store.updateParticipant(accountId, participantId, change);
    if (participant === null) throw new DomainError('participant-not-found', 'Participant not found');
    this.#events.record('participant.updated', participantSubject(participant), profile(participant));
    await this.#legs.participantChanged(participant);
    return participant;
  }

  async deleteParticipant(accountId: string, participantId: string): Promise<void> {
    const deleted = await this.#store.deleteParticipant(accountId, participantId);
    if (deleted === null) throw new DomainError('participant-not-found', 'Participant not found');
    await this.#legs.participantDeleted(deleted);
    this.#events.record('participant.deleted', participantSubject(deleted), {});
  }

  async listMembers(accountId: string, sessionId: string): Promise<readonly Participant[]> {
    await this.getSession(accountId, sessionId);
    return this.#store.listMembers(sessionId);
  }

  /** Adding a member again replaces its subscriptions and is no error. */
  async addParticipant(
    accountId: string,
    sessionId: string,
    participantId: string,
    subscriptions: Subscriptions,
  ): Promise<void> {
    await this.#checkSubscriptions(accountId, sessionId, subscriptions);
    const limit = this.#limits.maxParticipantsPerSession;
    const added = await this.#store.addMember(accountId, sessionId, participantId, { subscriptions, limit });
    if (!('participant' in added)) {
      const [code, message] = addMemberErrors[added.result];
      throw new DomainError(code, message);
    }
    const { participant } = added;
    const type = added.result === 'added' ? 'participant.added' : 'subscriptions.updated';
    this.#events.record(type, participantSubject(participant), { subscriptions });
    await this.#legs.participantChanged(participant);
  }

  /** The leg stays: it hears the hold sound until it is added somewhere or its time without a session is over. */
  async removeParticipant(accountId: string, sessionId: string, participantId: string): Promise<void> {
    const participant = await this.#store.removeMember(accountId, sessionId, participantId);
    if (participant === null) throw await this.#noMember(accountId, sessionId, participantId);
    await this.#legs.participantChanged(withoutSession(participant));
    this.#events.record('participant.removed', participantSubject(participant), {});
  }

  async getSubscriptions(
    accountId: string,
    sessionId: string,
    participantId: string,
  ): Promise<Subscriptions> {
    return (await this.#member(accountId, sessionId, participantId)).subscriptions;
  }

  async setSubscriptions(
    accountId: string,
    sessionId: string,
    participantId: string,
    subscriptions: Subscriptions,
  ): Promise<void> {
    await this.#member(accountId, sessionId, participantId);
    await this.#checkSubscriptions(accountId, sessionId, subscriptions);
    const participant = await this.#store.setSubscriptions(
      accountId,
      sessionId,
      participantId,
      subscriptions,
    );
    if (participant === null) throw await this.#noMember(accountId, sessionId, participantId);
    await this.#legs.participantChanged(participant);
    this.#events.record('subscriptions.updated', participantSubject(participant), { subscriptions });
  }

  /** The live streams of a session, in the order their publishers joined. */
  async listStreams(accountId: string, sessionId: string): Promise<readonly StreamDescription[]> {
    await this.getSession(accountId, sessionId);
    return this.#legs.streams(sessionId);
  }

  /**
   * Nobody receives the stream until it is unmuted or its publisher is no longer a member; what is published anew under
   * its alias stays muted. `stream` is an alias, also of a stream to come, or the id of a live stream. Idempotent.
   */
  async setMuted(
    accountId: string,
    sessionId: string,
    participantId: string,
    { stream, isMuted }: { readonly stream: string; readonly isMuted: boolean },
  ): Promise<void> {
    await this.#member(accountId, sessionId, participantId);
    const live = await this.#legs.streamsOf(participantId);
    const alias = aliasOf(live, participantId, stream);
    const done = await this.#store.setMuted(accountId, sessionId, participantId, { alias, isMuted });
    if (done === null) throw await this.#noMember(accountId, sessionId, participantId);
    if (!done.isChanged) return;
    const streamId = live.find((one) => one.alias === alias)?.streamId ?? null;
    this.#events.record(isMuted ? 'stream.muted' : 'stream.unmuted', participantSubject(done.participant), {
      alias,
      streamId,
    });
    await this.#legs.participantChanged(done.participant);
  }

  /** Why there is no such member: for the error of a change that found none. */
  async #noMember(accountId: string, sessionId: string, participantId: string): Promise<DomainError> {
    await this.#member(accountId, sessionId, participantId);
    return notInSession();
  }

  async #member(accountId: string, sessionId: string, participantId: string): Promise<Participant> {
    await this.getSession(accountId, sessionId);
    const participant = await this.getParticipant(accountId, participantId);
    if (participant.sessionId !== sessionId) throw notInSession();
    return participant;
  }

  /** A session-level subscription names the session it is made in; anything else would hear nothing, silently. */
  async #checkSubscriptions(
    accountId: string,
    sessionId: string,
    subscriptions: Subscriptions,
  ): Promise<void> {
    const lists = subscriptions.participants !== undefined && subscriptions.participants.length > 0;
    if (lists || subscriptions.sessionId === undefined || subscriptions.sessionId === sessionId) return;
    await this.getSession(accountId, sessionId);
    throw new DomainError('invalid-subscriptions', 'Subscriptions name another session than the path');
  }
}

function notInSession(): DomainError {
  return new DomainError('participant-not-in-session', 'Participant not found in session');
}

function withoutSession(participant: Participant): Participant {
  return { ...participant, sessionId: null, subscriptions: noSubscriptions, mutedAliases: [] };
}

function profile({ tag, publishPermissions, displayName, attributes }: Participant) {
  return { tag, publishPermissions, displayName, attributes };
}

/** The alias of a live stream that `stream` names by alias or id, or `stream` itself: the alias of a stream to come. */
function aliasOf(live: readonly MediaStreamInfo[], participantId: string, stream: string): string {
  const found = live.find(({ streamId, alias }) => streamId === stream || alias === stream);
  if (found !== undefined) return found.alias;
  // Stream ids begin with their publisher's: this one is no longer, or never was.
  if (stream.startsWith(`${participantId}.`)) throw new DomainError('stream-not-found', 'Stream not found');
  return stream;
}
