/** The established legs of each session, and the routes between them: kept equal to the rules, told to the media only where they change. */
import { isMessageTooLong, type MessageContent } from './leg-notice.js';
import { LegNotices } from './leg-notices.js';
import type { LiveLeg } from './live-leg.js';
import { logMediaFailure } from '../log-media-failure.js';
import type { Logger } from '../logger.js';
import type { MediaStreamInfo } from '../media-plane.js';
import { isSameList } from '../same-list.js';
import { heardMembers, isMuted, receivedStreams, type RoutedMember } from './routes.js';

/** A live stream of a session, as moderators see it. */
export interface SessionStream {
  readonly stream: MediaStreamInfo;
  readonly publisher: LiveLeg;
  readonly isMuted: boolean;
  /** Ids of the participants that receive it now. */
  readonly receivers: readonly string[];
}

/** Something to tell members of a session beside the media. It is not kept: who is not there does not hear of it. */
export interface SessionMessage {
  readonly sessionId: string;
  /** The participant that writes; null: the application. */
  readonly from: string | null;
  /** Ids of participants; null: everybody in the session, the sender too. */
  readonly to: readonly string[] | null;
  readonly content: MessageContent;
}

interface Received {
  readonly streamIds: readonly string[];
  readonly holdSound: boolean;
}

export interface SessionRoutesOptions {
  readonly logger: Logger;
  /** A phone in a session that receives no sound, or that of none but those who hold the call, hears the hold sound. */
  readonly holdSoundWhenAlone: boolean;
  /** What somebody there publishes or receives may have changed; the legs are told. */
  readonly onRouted: (sessionId: string) => void;
}

export class SessionRoutes {
  readonly #options: SessionRoutesOptions;
  /** In the order they joined. */
  readonly #bySession = new Map<string, Set<LiveLeg>>();
  /** What each leg was last told to receive, to tell it only what changed. */
  readonly #receiving = new WeakMap<LiveLeg, Received>();
  readonly #notices = new LegNotices();

  constructor(options: SessionRoutesOptions) {
    this.#options = options;
  }

  /** The leg is in its participant's session from now on. Routes follow with `routeSession`. */
  add(leg: LiveLeg): void {
    const { sessionId } = leg.participant;
    if (sessionId === null) return;
    const legs = this.#bySession.get(sessionId);
    if (legs === undefined) this.#bySession.set(sessionId, new Set([leg]));
    else legs.add(leg);
  }

  /** False where it was not in its participant's session. */
  remove(leg: LiveLeg): boolean {
    const { sessionId } = leg.participant;
    const legs = sessionId === null ? undefined : this.#bySession.get(sessionId);
    if (sessionId === null || legs?.delete(leg) !== true) return false;
    if (legs.size === 0) this.#bySession.delete(sessionId);
    return true;
  }

  /** The leg has another far end and other media now, which were told nothing yet. Routes follow with `route` or `routeSession`. */
  takenOver(leg: LiveLeg): void {
    this.reopened(leg);
    this.#notices.forget(leg);
  }

  /** The leg has other media now, which was told nothing yet. Routes follow with `route` or `routeSession`. */
  reopened(leg: LiveLeg): void {
    this.#receiving.delete(leg);
  }

  /** After a change of what somebody publishes: everybody's routes. */
  routeSession(sessionId: string | null): void {
    if (sessionId === null) return;
    const legs = this.legs(sessionId);
    const members = legs.map(routed);
    for (const [index, leg] of legs.entries()) this.#apply(leg, members[index], members);
    this.#options.onRouted(sessionId);
  }

  /** After a change of what this leg receives; without a session it hears the hold sound and nobody. */
  route(leg: LiveLeg): void {
    const { sessionId } = leg.participant;
    const legs = sessionId === null ? undefined : this.#bySession.get(sessionId);
    this.#apply(leg, routed(leg), legs === undefined ? [] : [...legs].map(routed));
    if (sessionId !== null) this.#options.onRouted(sessionId);
  }

  /** In the order they joined. */
  legs(sessionId: string): readonly LiveLeg[] {
    return [...(this.#bySession.get(sessionId) ?? [])];
  }

  /** The publisher pressed a key: those who receive it and want to hear of keys are told. */
  keyPressed(publisher: LiveLeg, digit: string, durationMs: number): void {
    const { sessionId } = publisher.participant;
    if (sessionId !== null) this.#notices.keyPressed(publisher, this.legs(sessionId), { digit, durationMs });
  }

  /** Tells the members that it is for, and that take messages. */
  message({ sessionId, from, to, content }: SessionMessage): 'sent' | 'too-long' | 'gone' {
    if (isMessageTooLong(content)) return 'too-long';
    const legs = this.legs(sessionId);
    const isThere = from === null ? legs.length > 0 : legs.some(({ participant }) => participant.id === from);
    if (!isThere) return 'gone';
    for (const leg of legs)
      if (to?.includes(leg.participant.id) !== false)
        leg.notify({ type: 'message', participantId: from, content });
    return 'sent';
  }

  streams(sessionId: string): SessionStream[] {
    const legs = [...(this.#bySession.get(sessionId) ?? [])];
    const members = legs.map(routed);
    const received = members.map((member) => new Set(receivedStreams(sessionId, member, members)));
    return legs.flatMap((publisher) =>
      publisher.streams.map((stream) => ({
        stream,
        publisher,
        isMuted: isMuted(publisher.participant, stream.alias),
        receivers: members
          .filter((_, index) => received[index]?.has(stream.streamId) === true)
          .map(({ participantId }) => participantId),
      })),
    );
  }

  #apply(leg: LiveLeg, listener: RoutedMember | undefined, members: readonly RoutedLeg[]): void {
    const { sessionId } = leg.participant;
    if (listener === undefined) return;
    const streamIds = sessionId === null ? [] : receivedStreams(sessionId, listener, members);
    if (leg.takesNotices) {
      const legs = sessionId === null ? [] : this.legs(sessionId);
      const heard = sessionId === null ? [] : heardMembers(sessionId, listener, members);
      this.#notices.routed(leg, streamIds, { heard, legs });
    }
    const holdSound = sessionId === null || (this.#options.holdSoundWhenAlone && !hears(streamIds, members));
    // The media plays it where a phone receives nothing; of those who hold nothing would come.
    const received = holdSound && leg.kind === 'phone' ? [] : streamIds;
    const before = this.#receiving.get(leg);
    if (before?.holdSound === holdSound && isSameList(before.streamIds, received)) return;
    this.#receiving.set(leg, { streamIds: received, holdSound });
    leg.receive(received, holdSound).catch((error: unknown) => {
      // A worker that died ends its legs by itself; what remains is worth a line.
      const { legId } = leg;
      logMediaFailure(this.#options.logger, error, 'could not change what a leg receives', { legId });
    });
  }
}

/** Whether there is sound among these streams; whoever holds the call makes none. */
function hears(streamIds: readonly string[], members: readonly RoutedLeg[]): boolean {
  return members.some(
    ({ leg, streams }) =>
      !leg.isHeld &&
      streams.some(
        ({ streamId, mediaTypes }) => mediaTypes.includes('AUDIO') && streamIds.includes(streamId),
      ),
  );
}

interface RoutedLeg extends RoutedMember {
  readonly leg: LiveLeg;
}

function routed(leg: LiveLeg): RoutedLeg {
  const { id, subscriptions, mutedAliases } = leg.participant;
  return { leg, participantId: id, subscriptions, mutedAliases, streams: leg.streams, accepts: leg.accepts };
}
