/** What the stage shows of the others: a tile for each picture, and one for each of them who sends none. Pure. */
import type { RemoteParticipant, RemoteStream } from '../src/landbridge.js';

export interface StageTile {
  /** The same for as long as it is the same tile. */
  readonly key: string;
  readonly participantId: string;
  readonly picture: RemoteStream | null;
  /** True for the first tile of somebody who is heard: the sound is shown there. */
  readonly hasSound: boolean;
  /** What is muted by a moderator, on the first tile; the name of a picture that is none of a camera. */
  readonly badges: readonly string[];
}

export function stageTiles(participants: Iterable<RemoteParticipant>): StageTile[] {
  return [...participants].flatMap((participant) => {
    const { participantId, streams, mutedStreams } = participant;
    const isMuted = ({ streamId }: RemoteStream): boolean =>
      mutedStreams.some((stream) => stream.streamId === streamId);
    const heard = streams.filter((stream) => stream.mediaTypes.includes('AUDIO') && !isMuted(stream));
    const pictures = streams.filter((stream) => stream.mediaTypes.includes('VIDEO') && !isMuted(stream));
    const muted = mutedStreams.map(({ alias }) => (alias === 'microphone' ? 'Muted' : `${alias} muted`));
    return (pictures.length === 0 ? [null] : pictures).map((picture, index): StageTile => {
      const name = picture === null || picture.alias === 'camera' ? [] : [picture.alias];
      return {
        key: picture?.streamId ?? participantId,
        participantId,
        picture,
        hasSound: index === 0 && heard.length > 0,
        badges: index === 0 ? [...name, ...muted] : name,
      };
    });
  });
}
