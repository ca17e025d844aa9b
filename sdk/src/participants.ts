/** Who the others are: those whom we are subscribed to, with what the gateway tells about them. */
import type { ConnectionEvents, RemoteParticipant, RemoteStream } from './api.js';
import type { Emitter } from './emitter.js';
import type { DescribedParticipant } from './session-notice.js';

/**
 * Somebody is there from when the gateway lists it, or its first stream comes, until the gateway lists it no more and its
 * last stream has gone: list and streams come by different ways, in any order.
 */
export class Participants {
  /** Replaced entry by entry; the map itself is what the application holds. */
  readonly byId = new Map<string, RemoteParticipant>();
  readonly #emitter: Emitter<ConnectionEvents>;
  /** As the gateway last told, of those who are there. */
  readonly #described = new Map<string, DescribedParticipant>();
  /** The gateway's last list. */
  #listed: ReadonlySet<string> = new Set();

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

  /** Its last stream has gone: it was muted, publishes nothing any more, or has left. */
  streamsGone(participantId: string): void {
    if (!this.#listed.has(participantId)) this.#leave(participantId);
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

  /** Takes the complete list of the gateway's. */
  describe(participants: readonly DescribedParticipant[]): void {
    this.#listed = new Set(participants.map(({ participantId }) => participantId));
    for (const described of participants) {
      const { participantId } = described;
      const before = this.#described.get(participantId);
      this.#described.set(participantId, described);
      const known = this.byId.get(participantId);
      if (known === undefined) this.join(participantId);
      else if (JSON.stringify(before) !== JSON.stringify(described)) {
        const participant = this.#participant(participantId, known.streams);
        this.byId.set(participantId, participant);
        this.#emitter.emit('participantChanged', participant);
      }
    }
    for (const [participantId, { streams }] of this.byId)
      if (!this.#listed.has(participantId) && streams.length === 0) this.#leave(participantId);
  }

  /** Our own connection is over, and with it all that we know of others. */
  end(): void {
    this.#listed = new Set();
    for (const participantId of [...this.byId.keys()]) this.#leave(participantId);
  }

  #leave(participantId: string): void {
    const participant = this.byId.get(participantId);
    if (participant === undefined) return;
    this.byId.delete(participantId);
    this.#described.delete(participantId);
    this.#emitter.emit('participantLeft', participant);
  }

  #streamsBeside({ participantId, streamId }: RemoteStream): readonly RemoteStream[] {
    return this.byId.get(participantId)?.streams.filter((stream) => stream.streamId !== streamId) ?? [];
  }

  #participant(participantId: string, streams: readonly RemoteStream[]): RemoteParticipant {
    const described = this.#described.get(participantId);
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
