/** Who the others are: those whose streams we receive, with what the gateway tells about them. */
import type { ConnectionEvents, RemoteParticipant, RemoteStream } from './api.js';
import type { Emitter } from './emitter.js';
import type { DescribedParticipant } from './session-notice.js';

export class Participants {
  /** Replaced entry by entry; the map itself is what the application holds. */
  readonly byId = new Map<string, RemoteParticipant>();
  readonly #emitter: Emitter<ConnectionEvents>;
  /** As the gateway last told; it may know of a participant before its first stream comes, and after its last has gone. */
  #described: ReadonlyMap<string, DescribedParticipant> = new Map();

  constructor(emitter: Emitter<ConnectionEvents>) {
    this.#emitter = emitter;
  }

  join(participantId: string): void {
    const participant = this.#participant(participantId, []);
    this.byId.set(participantId, participant);
    this.#emitter.emit('participantJoined', participant);
  }

  leave(participantId: string): void {
    const participant = this.byId.get(participantId);
    if (participant === undefined) return;
    this.byId.delete(participantId);
    this.#emitter.emit('participantLeft', participant);
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
    const before = this.#described;
    this.#described = new Map(participants.map((one) => [one.participantId, one]));
    for (const [participantId, { streams }] of this.byId) {
      const now = this.#described.get(participantId);
      if (JSON.stringify(now) === JSON.stringify(before.get(participantId))) continue;
      const participant = this.#participant(participantId, streams);
      this.byId.set(participantId, participant);
      this.#emitter.emit('participantChanged', participant);
    }
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
    };
  }
}
