/** Whom a listener hears, and what of them. */

/** One of those whom a listener names. */
export interface ParticipantSubscription {
  readonly participantId: string;
  /** Missing or empty: every stream of the participant. */
  readonly streamAliases?: readonly string[];
}

/**
 * What a participant receives, at session, participant or stream level. A list of participants that is not empty wins over the
 * session id.
 */
export interface Subscriptions {
  /** The whole session, unless `participants` names any. */
  readonly sessionId?: string;
  /** These alone, where it names any. */
  readonly participants?: readonly ParticipantSubscription[];
}

export const noSubscriptions: Subscriptions = Object.freeze({});

/** Says of a participant whether a listener with these subscriptions receives what it publishes, all of it or some. */
export function participantSelector(
  listenerId: string,
  sessionId: string,
  { sessionId: wantedSessionId, participants }: Subscriptions,
): (participant: { readonly participantId: string }) => boolean {
  if (participants === undefined || participants.length === 0)
    return ({ participantId }) => participantId !== listenerId && wantedSessionId === sessionId;
  const wanted = new Set(participants.map(({ participantId }) => participantId));
  wanted.delete(listenerId);
  return ({ participantId }) => wanted.has(participantId);
}

/**
 * Says of a stream, by its publisher and alias, whether a listener with these subscriptions receives it. Both are members of `sessionId`; that a
 * participant never receives itself is decided here too. For many streams at once: a long list is read once.
 */
export function streamSelector(
  listenerId: string,
  sessionId: string,
  { sessionId: wantedSessionId, participants }: Subscriptions,
): (participantId: string, alias: string) => boolean {
  if (participants === undefined || participants.length === 0) {
    return (participantId) => participantId !== listenerId && wantedSessionId === sessionId;
  }
  /** Null: every stream of the participant. */
  const wanted = new Map<string, Set<string> | null>();
  for (const { participantId, streamAliases } of participants) {
    if (streamAliases === undefined || streamAliases.length === 0) {
      wanted.set(participantId, null);
      continue;
    }
    const aliases = wanted.get(participantId);
    if (aliases === undefined) wanted.set(participantId, new Set(streamAliases));
    else for (const alias of streamAliases) aliases?.add(alias);
  }
  wanted.delete(listenerId);
  return (participantId, alias) => {
    const aliases = wanted.get(participantId);
    return aliases === null || aliases?.has(alias) === true;
  };
}
