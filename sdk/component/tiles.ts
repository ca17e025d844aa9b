/** What the grid shows: a tile for each participant, and one for each further picture that one sends. Pure. */
import type { RemoteParticipant, RemoteStream } from '../src/api.js';

export interface TileModel {
  /** The same for as long as it is the same tile. */
  readonly key: string;
  readonly name: string;
  /** Beside the name, where there is more to say: a caller's number. */
  readonly note: string;
  readonly kind: 'own' | 'phone' | 'browser';
  /** A shared screen: shown large and whole. */
  readonly isScreen: boolean;
  readonly picture: MediaStream | undefined;
  readonly sounds: readonly RemoteStream[];
  readonly isMuted: boolean;
}

const screenAlias = 'screenShare';

/** Screens first. */
export function tilesOf(participants: Iterable<RemoteParticipant>): TileModel[] {
  const tiles = [...participants].flatMap(tilesOfParticipant);
  return [...tiles.filter(({ isScreen }) => isScreen), ...tiles.filter(({ isScreen }) => !isScreen)];
}

function tilesOfParticipant(participant: RemoteParticipant): TileModel[] {
  const { participantId, streams, mutedStreams } = participant;
  const mutedIds = new Set(mutedStreams.map(({ streamId }) => streamId));
  const name = nameOf(participant);
  const kind = participant.kind ?? 'browser';
  const pictured = streams.filter(({ mediaTypes }) => mediaTypes.includes('VIDEO'));
  const face = pictured.find(({ alias }) => alias !== screenAlias);
  const others = pictured.filter((stream) => stream !== face);
  const hasSound = ({ streamId, mediaTypes }: RemoteStream): boolean =>
    mediaTypes.includes('AUDIO') && !mutedIds.has(streamId);
  const sounds = streams.filter((stream) => hasSound(stream) && !others.includes(stream));
  const main: TileModel = {
    key: participantId,
    name,
    note: noteOf(participant, name),
    kind,
    isScreen: false,
    picture: face?.mediaStream,
    sounds,
    isMuted: sounds.length === 0 && mutedStreams.some(({ mediaTypes }) => mediaTypes.includes('AUDIO')),
  };
  const further = others.map((stream): TileModel => {
    const isScreen = stream.alias === screenAlias;
    return {
      key: stream.streamId,
      name: isScreen ? `${name}’s screen` : `${name}: ${stream.alias}`,
      note: '',
      kind,
      isScreen,
      picture: stream.mediaStream,
      sounds: hasSound(stream) ? [stream] : [],
      isMuted: false,
    };
  });
  return [main, ...further];
}

/** The application's name for it, else the caller's own, else what it is. */
export function nameOf({ displayName, caller, kind }: RemoteParticipant): string {
  return displayName ?? caller?.name ?? caller?.number ?? (kind === 'phone' ? 'Phone caller' : 'Participant');
}

function noteOf({ kind, caller }: RemoteParticipant, name: string): string {
  if (kind !== 'phone') return '';
  const number = caller?.number ?? '';
  return number === '' || number === name ? 'by phone' : `by phone, ${number}`;
}

/** `Ann Lee` → `AL`. */
export function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].flatMap((word) =>
    Array.from(word ?? '').slice(0, 1),
  );
  return letters.join('').toUpperCase();
}
