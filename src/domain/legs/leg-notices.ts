/**
 * Tells legs of the others in their session: each notice to the legs that take it, and a list only where it is not the
 * list that the leg was told before.
 */
import { describeMember, describeParticipant, type LegNotice } from './leg-notice.js';
import type { LiveLeg } from './live-leg.js';
import type { MediaStreamInfo } from '../media-plane.js';
import { isMuted } from './routes.js';

type ListNotice = Extract<LegNotice, { type: 'participants' | 'members' }>;
type ParticipantsNotice = Extract<LegNotice, { type: 'participants' }>;

/** Whom a leg has been told of in the session that it is in, as far as they are still there. */
interface KnownMembers {
  readonly sessionId: string | null;
  readonly participantIds: ReadonlySet<string>;
}

/** The lists that a leg was last told, as JSON. */
type ToldLists = Partial<Record<ListNotice['type'], string>>;

/** Somebody in the session whom a leg is subscribed to. */
export interface HeardLeg {
  readonly member: { readonly leg: LiveLeg };
  readonly mutedStreams: readonly MediaStreamInfo[];
}

export class LegNotices {
  readonly #told = new WeakMap<LiveLeg, ToldLists>();
  /** The streams that a leg receives. */
  readonly #received = new WeakMap<LiveLeg, ReadonlySet<string>>();
  readonly #known = new WeakMap<LiveLeg, KnownMembers>();

  /** Another far end has the leg, which was told nothing yet. */
  forget(leg: LiveLeg): void {
    this.#told.delete(leg);
    this.#received.delete(leg);
    this.#known.delete(leg);
  }

  /** The leg receives these streams now; `heard` are those whom it is subscribed to, and `legs` all in its session. */
  routed(
    leg: LiveLeg,
    streamIds: readonly string[],
    { heard, legs }: { readonly heard: readonly HeardLeg[]; readonly legs: readonly LiveLeg[] },
  ): void {
    if (leg.takesNotice('participants') || leg.takesNotice('dtmf'))
      this.#received.set(leg, new Set(streamIds));
    if (leg.takesNotice('participants')) this.#tellList(leg, this.#participants(leg, heard, legs));
    if (leg.takesNotice('members'))
      this.#tellList(leg, { type: 'members', members: legs.map(describeMember) });
  }

  /** The publisher pressed a key: those of `legs` that receive it are told. */
  keyPressed(
    publisher: LiveLeg,
    legs: Iterable<LiveLeg>,
    key: { readonly digit: string; readonly durationMs: number },
  ): void {
    for (const leg of legs) {
      const received = this.#received.get(leg);
      if (received === undefined || !publisher.streams.some(({ streamId }) => received.has(streamId)))
        continue;
      leg.notify({ type: 'dtmf', participantId: publisher.participant.id, ...key });
    }
  }

  #participants(leg: LiveLeg, heard: readonly HeardLeg[], legs: readonly LiveLeg[]): ParticipantsNotice {
    const { sessionId } = leg.participant;
    const before = this.#known.get(leg);
    const knew = before?.sessionId === sessionId ? before.participantIds : new Set<string>();
    const subscribed = new Set(heard.map(({ member }) => member.leg.participant.id));
    const unsubscribed = legs.flatMap(({ participant: { id } }) =>
      knew.has(id) && !subscribed.has(id) ? [id] : [],
    );
    this.#known.set(leg, { sessionId, participantIds: new Set([...subscribed, ...unsubscribed]) });
    const participants = heard.map(({ member, mutedStreams }) => ({
      ...describeParticipant(member.leg),
      mutedStreams,
    }));
    const ownMuted = leg.streams.filter(({ alias }) => isMuted(leg.participant, alias));
    return { type: 'participants', sessionId, participants, unsubscribed, mutedStreams: ownMuted };
  }

  #tellList(leg: LiveLeg, notice: ListNotice): void {
    if (!leg.takesNotice(notice.type)) return;
    const text = JSON.stringify(notice);
    const told = this.#told.get(leg) ?? {};
    // The first is told even where it is empty: who calls anew may have heard of others before.
    if (text === told[notice.type]) return;
    this.#told.set(leg, { ...told, [notice.type]: text });
    leg.notify(notice);
  }
}
