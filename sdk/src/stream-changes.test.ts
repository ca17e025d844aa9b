import { describe, expect, it } from 'vitest';
import { compareStreams, groupStreams, type ReceivedTrack } from './stream-changes.js';

const alice = '7a1c8d0e-2f4b-4c6d-8e9f-00000000000a';
const bob = '7a1c8d0e-2f4b-4c6d-8e9f-00000000000b';

function track(participantId: string, n: number, kind: 'audio' | 'video', mid: string): ReceivedTrack {
  return { mid, kind, streamId: `${participantId}.${n}`, alias: n === 1 ? 'microphone' : 'camera' };
}

function changes(before: ReceivedTrack[], after: ReceivedTrack[]) {
  const { gone, left, joined, added, changed } = compareStreams(groupStreams(before), groupStreams(after));
  const ids = (streams: readonly { streamId: string }[]) => streams.map(({ streamId }) => streamId);
  return { gone: ids(gone), left, joined, added: ids(added), changed: ids(changed) };
}

const nothing = { gone: [], left: [], joined: [], added: [], changed: [] };

describe('compareStreams', () => {
  it('says nothing when nothing changed', () => {
    const tracks = [track(alice, 1, 'audio', '1')];
    expect(changes(tracks, tracks)).toEqual(nothing);
  });

  it('reports a participant with its first stream and without its last', () => {
    const first = [track(alice, 1, 'audio', '1')];
    const both = [...first, track(alice, 2, 'video', '2')];
    expect(changes([], first)).toEqual({ ...nothing, joined: [alice], added: [`${alice}.1`] });
    expect(changes(first, both)).toEqual({ ...nothing, added: [`${alice}.2`] });
    expect(changes(both, first)).toEqual({ ...nothing, gone: [`${alice}.2`] });
    expect(changes(first, [])).toEqual({ ...nothing, gone: [`${alice}.1`], left: [alice] });
  });

  it('sees another stream in the section that an ended one had', () => {
    expect(changes([track(alice, 1, 'audio', '1')], [track(bob, 1, 'audio', '1')])).toEqual({
      gone: [`${alice}.1`],
      left: [alice],
      joined: [bob],
      added: [`${bob}.1`],
      changed: [],
    });
  });

  it('reports a stream that gains video, or moves to another section, as the same stream changed', () => {
    const audio = track(alice, 1, 'audio', '1');
    const expected = { ...nothing, changed: [`${alice}.1`] };
    expect(changes([audio], [audio, track(alice, 1, 'video', '2')])).toEqual(expected);
    expect(changes([audio], [{ ...audio, mid: '4' }])).toEqual(expected);
  });

  it('treats the same id under another alias as another stream', () => {
    const audio = track(alice, 1, 'audio', '1');
    const renamed = { ...audio, alias: 'desk' };
    expect(changes([audio], [renamed])).toEqual({ ...nothing, gone: [`${alice}.1`], added: [`${alice}.1`] });
  });
});

describe('groupStreams', () => {
  it('joins audio and video of one stream and keeps one track of a kind', () => {
    const streams = groupStreams([
      track(alice, 2, 'audio', '1'),
      track(alice, 2, 'video', '2'),
      track(alice, 2, 'video', '3'),
    ]);
    expect(streams.get(`${alice}.2`)).toMatchObject({
      participantId: alice,
      tracks: [
        { kind: 'audio', mid: '1' },
        { kind: 'video', mid: '2' },
      ],
    });
  });
});
