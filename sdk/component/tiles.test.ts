import { describe, expect, it } from 'vitest';
import type { MediaType, RemoteParticipant, RemoteStream } from '../src/api.js';
import { initialsOf, nameOf, tilesOf } from './tiles.js';

function stream(participantId: string, alias: string, ...mediaTypes: MediaType[]): RemoteStream {
  const mediaStream = { alias } as unknown as MediaStream;
  return { streamId: `${participantId}.${alias}`, participantId, alias, mediaTypes, mediaStream };
}

function participant(changes: Partial<RemoteParticipant> = {}): RemoteParticipant {
  return {
    participantId: 'a',
    kind: 'browser',
    displayName: 'Ann',
    attributes: {},
    caller: undefined,
    streams: [],
    mutedStreams: [],
    ...changes,
  };
}

describe('tilesOf', () => {
  it('has one tile for somebody with a microphone and a camera, and plays all of its sound there', () => {
    const streams = [stream('a', 'microphone', 'AUDIO'), stream('a', 'camera', 'VIDEO')];
    const [tile, ...more] = tilesOf([participant({ streams })]);
    expect(more).toEqual([]);
    expect(tile).toMatchObject({ key: 'a', name: 'Ann', kind: 'browser', isScreen: false });
    expect(tile?.picture).toBe(streams[1]?.mediaStream);
    expect(tile?.sounds.map(({ alias }) => alias)).toEqual(['microphone']);
  });

  it('shows screens first, with their own sound, and names further pictures by their alias', () => {
    const streams = [
      stream('a', 'camera', 'AUDIO', 'VIDEO'),
      stream('a', 'screenShare', 'AUDIO', 'VIDEO'),
      stream('a', 'desk', 'VIDEO'),
    ];
    const ben = participant({ participantId: 'b', displayName: 'Ben' });
    expect(
      tilesOf([ben, participant({ streams })]).map(({ name, isScreen, sounds }) => [
        name,
        isScreen,
        sounds.map(({ alias }) => alias),
      ]),
    ).toEqual([
      ['Ann’s screen', true, ['screenShare']],
      ['Ben', false, []],
      ['Ann', false, ['camera']],
      ['Ann: desk', false, []],
    ]);
  });

  it('shows a screen without a camera beside the tile of its owner', () => {
    const keys = tilesOf([participant({ streams: [stream('a', 'screenShare', 'VIDEO')] })]).map(
      ({ key, picture }) => [key, picture !== undefined],
    );
    expect(keys).toEqual([
      ['a.screenShare', true],
      ['a', false],
    ]);
  });
});

describe('a muted stream', () => {
  const microphone = stream('a', 'microphone', 'AUDIO');

  it('leaves its owner’s tile there, marked, from when it is told', () => {
    const muted = participant({ streams: [], mutedStreams: [microphone] });
    const notYetGone = participant({ streams: [microphone], mutedStreams: [microphone] });
    for (const one of [muted, notYetGone])
      expect(tilesOf([one])).toMatchObject([{ key: 'a', name: 'Ann', isMuted: true, sounds: [] }]);
  });

  it('does not mark somebody who is still heard by another, or whose picture alone is muted', () => {
    const headset = stream('a', 'headset', 'AUDIO');
    const camera = stream('a', 'camera', 'VIDEO');
    expect(tilesOf([participant({ streams: [headset], mutedStreams: [microphone] })])[0]?.isMuted).toBe(
      false,
    );
    expect(tilesOf([participant({ mutedStreams: [camera] })])[0]?.isMuted).toBe(false);
  });
});

describe('names', () => {
  it.each([
    [{ displayName: 'Ann' }, 'Ann', ''],
    [{ displayName: undefined }, 'Participant', ''],
    [{ displayName: undefined, kind: 'phone' as const }, 'Phone caller', 'by phone'],
    [
      { displayName: undefined, kind: 'phone' as const, caller: { number: '*142', name: null } },
      '*142',
      'by phone',
    ],
    [{ kind: 'phone' as const, caller: { number: '*142', name: 'Lee' } }, 'Ann', 'by phone, *142'],
  ])('of %j', (changes, name, note) => {
    const one = participant(changes);
    expect(nameOf(one)).toBe(name);
    expect(tilesOf([one])[0]?.note).toBe(note);
  });

  it.each([
    ['Ann Lee', 'AL'],
    ['ann', 'A'],
    ['Ann Maria van Lee', 'AL'],
    ['+15551230142', ''],
    ['Émile 7', 'É'],
    ['', ''],
  ])('of %j begin with %j', (name, initials) => {
    expect(initialsOf(name)).toBe(initials);
  });
});
