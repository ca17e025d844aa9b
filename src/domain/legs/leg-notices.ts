/**
 * Tells legs of the others in their session: each notice to the legs that take it, and a list only where it is not the
 * list that the leg was told before.
 */
import { describeMember, describeParticipant, type LegNotice } from './leg-notice.js';
import type { LiveLeg } from './live-leg.js';
import type { MediaStreamInfo } from '../media-plane.js';

type ListNotice = Extract<LegNotice, { type: 'participants' | 'members' }>;

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

  /** The leg receives these streams now; `heard` are those whom it is subscribed to, and `legs` all in its session. */
  routed(
    leg: LiveLeg,
    streamIds: readonly string[],
    { heard, legs }: { readonly heard: readonly HeardLeg[]; readonly legs: readonly LiveLeg[] },
  ): void {
    if (leg.takesNotice('participants') || leg.takesNotice('dtmf'))
      this.#received.set(leg, new Set(streamIds));
    if (leg.takesNotice('participants')) {
      const participants = heard.map(({ member, mutedStreams }) => ({
        ...describeParticipant(member.leg),
        mutedStreams,
      }));
      this.#tellList(leg, { type: 'participants', participants });
    }
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

  #tellList(leg: LiveLeg, notice: ListNotice): void {
    if (!leg.takesNotice(notice.type)) return;
    const text = JSON.stringify(notice.type === 'participants' ? notice.participants : notice.members);
    const told = this.#told.get(leg) ?? {};
    // The first is told even where it is empty: who calls anew may have heard of others before.
    if (text === told[notice.type]) return;
    this.#told.set(leg, { ...told, [notice.type]: text });
    leg.notify(notice);
  }
}
