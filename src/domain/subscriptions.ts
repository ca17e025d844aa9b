/**
 * What a participant receives, at session, participant or stream level. The three shapes, and the rule that a non-empty
 * participant list wins over the session id, are Bandwidth's (`subscriptions` in its OpenAPI document).
 */
export interface ParticipantSubscription {
  readonly participantId: string;
  /** Missing or empty: every stream of the participant. */
  readonly streamAliases?: readonly string[];
}

export interface Subscriptions {
  readonly sessionId?: string;
  readonly participants?: readonly ParticipantSubscription[];
}

export const noSubscriptions: Subscriptions = {};

/** A stream as subscriptions see it. */
export interface SubscribableStream {
  readonly participantId: string;
  readonly alias: string;
}

/**
 * True where a listener with these subscriptions receives the stream. Both are members of `sessionId`; that a
 * participant never receives itself is decided here too.
 */
export function isSubscribed(
  listenerId: string,
  sessionId: string,
  subscriptions: Subscriptions,
  stream: SubscribableStream,
): boolean {
  if (stream.participantId === listenerId) return false;
  const { participants } = subscriptions;
  if (participants !== undefined && participants.length > 0) {
    return participants.some(
      (wanted) =>
        wanted.participantId === stream.participantId &&
        (wanted.streamAliases === undefined ||
          wanted.streamAliases.length === 0 ||
          wanted.streamAliases.includes(stream.alias)),
    );
  }
  return subscriptions.sessionId === sessionId;
}
