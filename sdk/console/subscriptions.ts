/** Who hears whom: reads and changes a listener's subscriptions as the matrix shows them. */
export interface ParticipantSubscription {
  readonly participantId: string;
  readonly streamAliases?: readonly string[];
}

export interface Subscriptions {
  readonly sessionId?: string;
  readonly participants?: readonly ParticipantSubscription[];
}

/** `session`: everyone, later joiners too. `list`: exactly those named. */
export type Mode = 'session' | 'list' | 'nobody';
export type Hears = 'yes' | 'partly' | 'no';

/** A non-empty list wins over the session id (Bandwidth's rule). */
export function modeOf({ sessionId, participants }: Subscriptions): Mode {
  if (participants !== undefined && participants.length > 0) return 'list';
  return sessionId === undefined ? 'nobody' : 'session';
}

/** `partly`: some of the speaker's streams, by alias. */
export function hears(subscriptions: Subscriptions, speakerId: string): Hears {
  const mode = modeOf(subscriptions);
  if (mode !== 'list') return mode === 'session' ? 'yes' : 'no';
  const entry = subscriptions.participants?.find(({ participantId }) => participantId === speakerId);
  if (entry === undefined) return 'no';
  return (entry.streamAliases?.length ?? 0) > 0 ? 'partly' : 'yes';
}

/** The subscriptions after a click on one cell. Leaving the whole session names everyone who is there now but one. */
export function toggled(
  subscriptions: Subscriptions,
  memberIds: readonly string[],
  listenerId: string,
  speakerId: string,
): Subscriptions {
  const listed = listOf(subscriptions, memberIds, listenerId);
  const others = listed.filter(({ participantId }) => participantId !== speakerId);
  return hears(subscriptions, speakerId) === 'yes'
    ? fromList(others)
    : fromList([...others, { participantId: speakerId }]);
}

/** Where somebody listens, and among whom. */
export interface ListenerPlace {
  readonly sessionId: string;
  readonly memberIds: readonly string[];
  readonly listenerId: string;
}

/** The subscriptions after another mode was chosen. A list begins with whom the listener hears now. */
export function withMode(
  mode: Mode,
  subscriptions: Subscriptions,
  { sessionId, memberIds, listenerId }: ListenerPlace,
): Subscriptions {
  if (mode === 'session') return { sessionId };
  if (mode === 'nobody') return {};
  const listed = listOf(subscriptions, memberIds, listenerId);
  // Nobody heard yet: a list cannot be empty, so it begins with everyone.
  return fromList(listed.length > 0 ? listed : listOf({ sessionId }, memberIds, listenerId));
}

function listOf(
  subscriptions: Subscriptions,
  memberIds: readonly string[],
  listenerId: string,
): readonly ParticipantSubscription[] {
  const mode = modeOf(subscriptions);
  if (mode === 'nobody') return [];
  if (mode === 'list') return subscriptions.participants ?? [];
  return memberIds.filter((id) => id !== listenerId).map((participantId) => ({ participantId }));
}

function fromList(participants: readonly ParticipantSubscription[]): Subscriptions {
  return participants.length === 0 ? {} : { participants };
}
