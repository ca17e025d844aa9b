/** Who hears whom, as a pure function of memberships, subscriptions, mutes and streams. */
import type { MediaStreamInfo } from '../media-plane.js';
import { participantSelector, streamSelector, type Subscriptions } from '../participants/subscriptions.js';

/** A joined participant as routing sees it. */
export interface RoutedMember {
  readonly participantId: string;
  readonly subscriptions: Subscriptions;
  /** Aliases of its own that nobody receives. */
  readonly mutedAliases: readonly string[];
  readonly streams: readonly MediaStreamInfo[];
  /** Ids of the streams that its door takes for it; null: all. */
  readonly accepts: ReadonlySet<string> | null;
}

/** The ids of the streams that `listener` receives from the other members: subscribed and accepted. In the members' order. */
export function receivedStreams(
  sessionId: string,
  listener: RoutedMember,
  members: Iterable<RoutedMember>,
): string[] {
  const isWanted = streamSelector(listener.participantId, sessionId, listener.subscriptions);
  const received: string[] = [];
  for (const member of members) {
    for (const stream of member.streams) {
      if (isMuted(member, stream.alias) || listener.accepts?.has(stream.streamId) === false) continue;
      if (isWanted(member.participantId, stream.alias)) received.push(stream.streamId);
    }
  }
  return received;
}

/** A member to whose streams a listener is subscribed, whether or not any of them is there to be received. */
export interface HeardMember<Member extends RoutedMember> {
  readonly member: Member;
  /** Those that it would receive if they were not muted. */
  readonly mutedStreams: readonly MediaStreamInfo[];
}

/** The others to whom `listener` is subscribed, in the members' order: of some all streams, of some those of a few aliases. */
export function heardMembers<Member extends RoutedMember>(
  sessionId: string,
  listener: RoutedMember,
  members: Iterable<Member>,
): HeardMember<Member>[] {
  const isWanted = streamSelector(listener.participantId, sessionId, listener.subscriptions);
  const isSubscribedTo = participantSelector(listener.participantId, sessionId, listener.subscriptions);
  return [...members].filter(isSubscribedTo).map((member) => {
    const { participantId, streams } = member;
    const mutedStreams = streams.filter(
      ({ streamId, alias }) =>
        isMuted(member, alias) && listener.accepts?.has(streamId) !== false && isWanted(participantId, alias),
    );
    return { member, mutedStreams };
  });
}

export function isMuted(publisher: { readonly mutedAliases: readonly string[] }, alias: string): boolean {
  return publisher.mutedAliases.includes(alias);
}
