/** Who the others are: those whom we are subscribed to, with what the gateway tells about them. */
import type { ConnectionEvents, OwnPlace, RemoteParticipant, RemoteStream } from './api.js';
import type { Emitter } from './emitter.js';
import type { DescribedParticipant, ParticipantsNotice } from './session-notice.js';

/** Somebody as the gateway last told. */
interface ToldParticipant {
  readonly described: DescribedParticipant;
  readonly stay: number;
}

/**
 * Somebody is there from when the gateway lists it, or its first stream comes, until the gateway lists it no more and its
 * last stream has gone: list and streams come by different ways, in any order.
 */
export class Participants {
  /** Replaced entry by entry; the map itself is what the application holds. */
  readonly byId = new Map<string, RemoteParticipant>();
  readonly #emitter: Emitter<ConnectionEvents>;
  /** As the gateway last told, of those who are there. */
  readonly #told = new Map<string, ToldParticipant>();
  /** Ids in the gateway's last list. */
  #listed: ReadonlySet<string> = new Set();
  #unsubscribed: ReadonlySet<string> = new Set();
  #self: OwnPlace = { sessionId: undefined, mutedStreams: [] };
  /** Which stay of ours in a session it is: one ends with the session that we are in, and with the call that we are in it with. */
  #stay = 0;

  constructor(emitter: Emitter<ConnectionEvents>) {
    this.#emitter = emitter;
  }

  /** Its first stream is about to come. */
  join(participantId: string): void {
    if (this.byId.has(participantId)) return;
    const participant = this.#participant(participantId, []);
    this.byId.set(participantId, participant);
    this.#emitter.emit('participantJoined', participant);
  }

  /** Its last stream has gone: it was muted, publishes nothing any more, has left, or we are no longer subscribed to it. */
  streamsGone(participantId: string): void {
    if (!this.#listed.has(participantId)) this.#remove(participantId);
  }

  /** Adds the stream, or what it is now. */
  setStream(stream: RemoteStream): void {
    const others = this.#streamsBeside(stream);
    this.byId.set(stream.participantId, this.#participant(stream.participantId, [...others, stream]));
  }

  removeStream(stream: RemoteStream): void {
    if (!this.byId.has(stream.participantId)) return;
    this.byId.set(stream.participantId, this.#participant(stream.participantId, this.#streamsBeside(stream)));
  }

  /** Another call follows: what happened between the two nobody tells. */
  newCall(): void {
    this.#stay += 1;
  }

  /** Takes the gateway's complete list. */
  describe({ sessionId, participants, unsubscribed, mutedStreams }: ParticipantsNotice): void {
    this.#listed = new Set(participants.map(({ participantId }) => participantId));
    this.#unsubscribed = new Set(unsubscribed);
    if (sessionId !== this.#self.sessionId) this.#stay += 1;
    const before = this.#self;
    this.#self = { sessionId, mutedStreams };
    // Where we begin is no change.
    if (before.sessionId !== undefined || mutedStreams.length > 0) this.#tellChange(before);
    for (const described of participants) {
      const { participantId } = described;
      const toldBefore = this.#told.get(participantId)?.described;
      this.#told.set(participantId, { described, stay: this.#stay });
      const known = this.byId.get(participantId);
      if (known === undefined) this.join(participantId);
      else if (JSON.stringify(toldBefore) !== JSON.stringify(described)) {
        const participant = this.#participant(participantId, known.streams);
        this.byId.set(participantId, participant);
        this.#emitter.emit('participantChanged', participant);
      }
    }
    for (const [participantId, { streams }] of this.byId)
      if (!this.#listed.has(participantId) && streams.length === 0) this.#remove(participantId);
  }

  get self(): OwnPlace {
    return this.#self;
  }

  #tellChange(before: OwnPlace): void {
    if (JSON.stringify(before) !== JSON.stringify(this.#self)) this.#emitter.emit('selfChanged', this.#self);
  }

  /** Our own connection is over, and with it all that we know of others. */
  end(): void {
    this.#listed = new Set();
    this.#unsubscribed = new Set(this.byId.keys());
    for (const participantId of [...this.byId.keys()]) this.#remove(participantId);
  }

  /** Whoever is not said to be still there has left, unless it was in another stay of ours that we heard of it. */
  #remove(participantId: string): void {
    const participant = this.byId.get(participantId);
    if (participant === undefined) return;
    const told = this.#told.get(participantId);
    const isOfAnotherStay = told !== undefined && told.stay !== this.#stay;
    const isStillThere = this.#unsubscribed.has(participantId) || isOfAnotherStay;
    this.byId.delete(participantId);
    this.#told.delete(participantId);
    this.#emitter.emit(isStillThere ? 'participantUnsubscribed' : 'participantLeft', participant);
  }

  #streamsBeside({ participantId, streamId }: RemoteStream): readonly RemoteStream[] {
    return this.byId.get(participantId)?.streams.filter((stream) => stream.streamId !== streamId) ?? [];
  }

  #participant(participantId: string, streams: readonly RemoteStream[]): RemoteParticipant {
    const described = this.#told.get(participantId)?.described;
    return {
      participantId,
      kind: described?.kind,
      displayName: described?.displayName ?? undefined,
      attributes: described?.attributes ?? {},
      caller: described?.caller ?? undefined,
      streams,
      mutedStreams: described?.mutedStreams ?? [],
    };
  }
}
