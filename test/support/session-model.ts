/** The rules of sessions written a second time, from the reference's text and for tests only: who must hear whom. */

export type MediaType = 'AUDIO' | 'VIDEO';

export interface WantedParticipant {
  readonly participantId: string;
  readonly streamAliases?: readonly string[] | null | undefined;
}

/** A subscriptions body as an application writes it. */
export interface WantedSubscriptions {
  readonly sessionId?: string | null | undefined;
  readonly participants?: readonly WantedParticipant[] | null | undefined;
}

export interface ModelLeg {
  readonly kind: 'phone' | 'browser';
  tracks: readonly string[];
}

export interface ModelParticipant {
  readonly id: string;
  permissions: readonly MediaType[];
  sessionId: string | null;
  subscriptions: WantedSubscriptions;
  readonly muted: Set<string>;
  leg: ModelLeg | null;
}

export class SessionModel {
  readonly sessions = new Set<string>();
  readonly participants = new Map<string, ModelParticipant>();
  readonly #maxMembers: number;

  constructor(maxMembers: number) {
    this.#maxMembers = maxMembers;
  }

  members(sessionId: string): ModelParticipant[] {
    return [...this.participants.values()].filter((one) => one.sessionId === sessionId);
  }

  /** The HTTP status, having done what it stands for. */
  add(sessionId: string, participantId: string, subscriptions: WantedSubscriptions): number {
    if (!this.sessions.has(sessionId)) return 404;
    if (!isUsable(subscriptions, sessionId)) return 400;
    const participant = this.participants.get(participantId);
    if (participant === undefined) return 404;
    if (participant.sessionId !== null && participant.sessionId !== sessionId) return 409;
    if (participant.sessionId === null && this.members(sessionId).length >= this.#maxMembers) return 409;
    participant.sessionId = sessionId;
    participant.subscriptions = subscriptions;
    return 204;
  }

  remove(sessionId: string, participantId: string): number {
    const participant = this.#member(sessionId, participantId);
    if (participant === null) return 404;
    leave(participant);
    return 204;
  }

  subscribe(sessionId: string, participantId: string, subscriptions: WantedSubscriptions): number {
    const participant = this.#member(sessionId, participantId);
    if (participant === null) return 404;
    if (!isUsable(subscriptions, sessionId)) return 400;
    participant.subscriptions = subscriptions;
    return 204;
  }

  setMuted(sessionId: string, participantId: string, alias: string, isMuted: boolean): number {
    const participant = this.#member(sessionId, participantId);
    if (participant === null) return 404;
    if (isMuted) participant.muted.add(alias);
    else participant.muted.delete(alias);
    return 204;
  }

  deleteSession(sessionId: string): number {
    if (!this.sessions.delete(sessionId)) return 404;
    for (const participant of this.members(sessionId)) {
      leave(participant);
      // Phones are hung up, browsers stay connected.
      if (participant.leg?.kind === 'phone') participant.leg = null;
    }
    return 204;
  }

  deleteParticipant(participantId: string): number {
    return this.participants.delete(participantId) ? 204 : 404;
  }

  /** What the participant must receive, as `<participant>.<alias>`, in no order. */
  received(listener: ModelParticipant): string[] {
    const { sessionId, subscriptions } = listener;
    if (sessionId === null) return [];
    const list = subscriptions.participants ?? [];
    const received: string[] = [];
    for (const publisher of this.members(sessionId)) {
      if (publisher === listener || publisher.leg === null || !publisher.permissions.includes('AUDIO'))
        continue;
      for (const alias of publisher.leg.tracks) {
        if (publisher.muted.has(alias)) continue;
        const isWanted =
          list.length > 0
            ? list.some((wanted) => {
                if (wanted.participantId !== publisher.id) return false;
                const aliases = wanted.streamAliases ?? [];
                return aliases.length === 0 || aliases.includes(alias);
              })
            : Boolean(subscriptions.sessionId);
        if (isWanted) received.push(`${publisher.id}.${alias}`);
      }
    }
    return received.sort();
  }

  #member(sessionId: string, participantId: string): ModelParticipant | null {
    const participant = this.participants.get(participantId);
    return this.sessions.has(sessionId) && participant?.sessionId === sessionId ? participant : null;
  }
}

function leave(participant: ModelParticipant): void {
  participant.sessionId = null;
  participant.subscriptions = {};
  participant.muted.clear();
}

/** Without a list, a session id that is there must be that of the path. */
function isUsable({ sessionId, participants }: WantedSubscriptions, pathSessionId: string): boolean {
  return (participants ?? []).length > 0 || !sessionId || sessionId === pathSessionId;
}
