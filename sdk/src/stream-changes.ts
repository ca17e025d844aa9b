/** Compares what we receive before and after a negotiation, and says what an application should hear about it. */
import type { MediaKind } from './session-description.js';

/** One received track: where it arrives, and which stream it belongs to. */
export interface ReceivedTrack {
  readonly mid: string;
  readonly kind: MediaKind;
  readonly streamId: string;
  readonly alias: string;
}

export interface ReceivedStream {
  readonly streamId: string;
  readonly participantId: string;
  readonly alias: string;
  readonly tracks: readonly ReceivedTrack[];
}

export type ReceivedStreams = ReadonlyMap<string, ReceivedStream>;

export interface StreamChanges {
  readonly gone: readonly ReceivedStream[];
  readonly left: readonly string[];
  readonly joined: readonly string[];
  readonly added: readonly ReceivedStream[];
  /** The same stream with other tracks. */
  readonly changed: readonly ReceivedStream[];
}

const participantIdLength = 36;

/** Stream ids are `<participant id>.<n>`, the participant id a UUID of 36 characters. */
export function participantIdOf(streamId: string): string {
  return streamId.slice(0, participantIdLength);
}

/** A stream that carries two tracks of one kind keeps the first: a stream has one audio and one video track. */
export function groupStreams(tracks: readonly ReceivedTrack[]): ReceivedStreams {
  const streams = new Map<string, ReceivedStream>();
  for (const track of tracks) {
    const { streamId, alias } = track;
    const known = streams.get(streamId)?.tracks ?? [];
    if (known.some(({ kind }) => kind === track.kind)) continue;
    streams.set(streamId, {
      streamId,
      participantId: participantIdOf(streamId),
      alias: streams.get(streamId)?.alias ?? alias,
      tracks: [...known, track],
    });
  }
  return streams;
}

export function compareStreams(before: ReceivedStreams, after: ReceivedStreams): StreamChanges {
  const gone = [...before.values()].filter((stream) => after.get(stream.streamId)?.alias !== stream.alias);
  const added = [...after.values()].filter((stream) => before.get(stream.streamId)?.alias !== stream.alias);
  const changed = [...after.values()].filter((stream) => {
    const old = before.get(stream.streamId);
    return old !== undefined && old.alias === stream.alias && trackKey(old) !== trackKey(stream);
  });
  const participantsBefore = participantsOf(before);
  const participantsAfter = participantsOf(after);
  return {
    gone,
    left: [...participantsBefore].filter((id) => !participantsAfter.has(id)),
    joined: [...participantsAfter].filter((id) => !participantsBefore.has(id)),
    added,
    changed,
  };
}

function participantsOf(streams: ReceivedStreams): Set<string> {
  return new Set([...streams.values()].map(({ participantId }) => participantId));
}

function trackKey({ tracks }: ReceivedStream): string {
  return tracks
    .map(({ kind, mid }) => `${kind} ${mid}`)
    .sort()
    .join();
}
