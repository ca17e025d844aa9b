/** Turns what each negotiation says about received streams into MediaStreams of our own, and tells what changed. */
import type { ConnectionEvents, RemoteStream } from './api.js';
import type { Emitter } from './emitter.js';
import type { Participants } from './participants.js';
import {
  compareStreams,
  groupStreams,
  type ReceivedStream,
  type ReceivedStreams,
  type ReceivedTrack,
} from './stream-changes.js';

/** Not the browser's `ontrack` streams: a section that carries another stream later keeps its track and ids there. */
export class ReceivedMedia {
  readonly #emitter: Emitter<ConnectionEvents>;
  readonly #participants: Participants;
  readonly #trackOf: (mid: string) => MediaStreamTrack | undefined;
  #described: ReceivedStreams = new Map();
  readonly #streams = new Map<string, RemoteStream>();

  constructor(
    emitter: Emitter<ConnectionEvents>,
    participants: Participants,
    trackOf: (mid: string) => MediaStreamTrack | undefined,
  ) {
    this.#emitter = emitter;
    this.#participants = participants;
    this.#trackOf = trackOf;
  }

  get streams(): readonly RemoteStream[] {
    return [...this.#streams.values()];
  }

  /** The tracks come anew, in another call: every stream that stays gets others. */
  newCall(): void {
    this.#described = new Map(
      [...this.#described].map(([id, stream]) => [
        id,
        { ...stream, tracks: stream.tracks.map((track) => ({ ...track, mid: '' })) },
      ]),
    );
    this.#participants.newCall();
  }

  /** Audio and video tracks received now. */
  counts(): { readonly audio: number; readonly video: number } {
    const kinds = [...this.#described.values()].flatMap(({ tracks }) => tracks.map(({ kind }) => kind));
    const audio = kinds.filter((kind) => kind === 'audio').length;
    return { audio, video: kinds.length - audio };
  }

  /** Takes the complete list of received tracks. */
  update(tracks: readonly ReceivedTrack[]): void {
    const described = groupStreams(tracks);
    const changes = compareStreams(this.#described, described);
    this.#described = described;
    for (const { streamId } of changes.gone) this.#remove(streamId);
    for (const participantId of changes.left) this.#participants.streamsGone(participantId);
    for (const participantId of changes.joined) this.#participants.join(participantId);
    for (const stream of changes.changed) this.#change(stream);
    for (const stream of changes.added) this.#add(stream);
  }

  /** Our own connection is over, and with it every stream. */
  end(): void {
    this.#described = new Map();
    for (const streamId of [...this.#streams.keys()]) this.#remove(streamId);
    this.#participants.end();
  }

  #add(described: ReceivedStream): void {
    const stream = remoteStream(described, new MediaStream(this.#tracksOf(described)));
    this.#streams.set(stream.streamId, stream);
    this.#participants.setStream(stream);
    this.#emitter.emit('streamAvailable', stream);
  }

  #change(described: ReceivedStream): void {
    const mediaStream = this.#streams.get(described.streamId)?.mediaStream;
    if (mediaStream === undefined) return;
    const tracks = this.#tracksOf(described);
    for (const track of mediaStream.getTracks()) if (!tracks.includes(track)) mediaStream.removeTrack(track);
    for (const track of tracks) mediaStream.addTrack(track);
    const stream = remoteStream(described, mediaStream);
    this.#streams.set(stream.streamId, stream);
    this.#participants.setStream(stream);
    this.#emitter.emit('streamChanged', stream);
  }

  #remove(streamId: string): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    this.#streams.delete(streamId);
    this.#participants.removeStream(stream);
    // The section's track lives on for its next stream, so whoever still plays this one must not hear that.
    for (const track of stream.mediaStream.getTracks()) stream.mediaStream.removeTrack(track);
    this.#emitter.emit('streamUnavailable', stream);
  }

  #tracksOf({ tracks }: ReceivedStream): MediaStreamTrack[] {
    return tracks.flatMap(({ mid }) => this.#trackOf(mid) ?? []);
  }
}

function remoteStream(
  { streamId, participantId, alias, tracks }: ReceivedStream,
  mediaStream: MediaStream,
): RemoteStream {
  const mediaTypes = tracks.map(({ kind }) => (kind === 'audio' ? 'AUDIO' : 'VIDEO'));
  return { streamId, participantId, alias, mediaStream, mediaTypes };
}
