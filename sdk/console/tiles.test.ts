import { describe, expect, it } from 'vitest';
import type { RemoteParticipant, RemoteStream } from '../src/landbridge.js';
import { stageTiles } from './tiles.js';

const stream = (alias: string, ...mediaTypes: ('AUDIO' | 'VIDEO')[]): RemoteStream => ({
  streamId: `a.${alias}`,
  participantId: 'a',
  alias,
  mediaTypes,
  mediaStream: {} as MediaStream,
});
const [microphone, camera] = [stream('microphone', 'AUDIO'), stream('camera', 'VIDEO')];
const screen = stream('screenShare', 'VIDEO');
const both = stream('camera', 'AUDIO', 'VIDEO');

function somebody(streams: readonly RemoteStream[], ...mutedStreams: RemoteStream[]): RemoteParticipant {
  return {
    ...{ participantId: 'a', kind: 'browser', displayName: 'Ann', attributes: {}, caller: undefined },
    ...{ streams, mutedStreams },
  };
}

const shown = (participant: RemoteParticipant): string[] =>
  stageTiles([participant]).map(({ key, hasSound, badges }) =>
    [key, ...(hasSound ? ['sound'] : []), ...badges].join(' | '),
  );

describe('the tiles of somebody', () => {
  it.each([
    ['who is heard', somebody([microphone]), ['a | sound']],
    ['who publishes nothing', somebody([]), ['a']],
    ['who is muted', somebody([], microphone), ['a | Muted']],
    // The gateway tells of a mute before the stream has gone.
    ['who is being muted', somebody([microphone], microphone), ['a | Muted']],
    ['who is seen and heard', somebody([microphone, camera]), ['a.camera | sound']],
    ['who is seen and muted', somebody([camera], microphone), ['a.camera | Muted']],
    ['whose camera is muted', somebody([microphone], camera), ['a | sound | camera muted']],
    ['whose sound comes with a muted picture', somebody([], both), ['a | camera muted']],
    [
      'who shows a screen, too',
      somebody([both, screen]),
      ['a.camera | sound', 'a.screenShare | screenShare'],
    ],
    [
      'who shows a screen alone, muted',
      somebody([screen], microphone),
      ['a.screenShare | screenShare | Muted'],
    ],
  ])('%s', (_who, participant, expected) => {
    expect(shown(participant)).toEqual(expected);
  });

  it('stand in the order in which they came', () => {
    const ben = { ...somebody([]), participantId: 'b' };
    expect(stageTiles([ben, somebody([], microphone)]).map(({ key }) => key)).toEqual(['b', 'a']);
  });
});
