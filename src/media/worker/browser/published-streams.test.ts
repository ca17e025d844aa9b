import { describe, expect, it } from 'vitest';
import { rejectedSection, type Section } from './browser-sections.js';
import { publishedStreams, type PublishedStreams } from './published-streams.js';

const none: PublishedStreams = { participantId: 'p', next: 5, streams: [] };
const sending = (kind: string, streamKey: string, label: string | null = null): Section => ({
  ...rejectedSection({ mid: `${kind}${streamKey}`, kind, protocol: '', formats: [] }),
  rejected: false,
  incoming: { streamKey, label, ssrcs: [], repairs: new Map() },
});
const names = (published: PublishedStreams) =>
  published.streams.map((s) => [s.streamId, s.alias, s.sections]);

describe('published streams', () => {
  it('are audio and video of one MediaStream, named by label or by what they are', () => {
    const published = publishedStreams(none, [
      sending('audio', 'a'),
      sending('video', 'b', 'screen share'),
      sending('video', 'c'),
      sending('audio', 'c'),
      sending('audio', 'd'),
      rejectedSection({ mid: 'x', kind: 'audio', protocol: '', formats: [] }),
    ]);
    expect(names(published)).toEqual([
      ['p.5', 'microphone', { audio: 0 }],
      ['p.6', 'screen share', { video: 1 }],
      ['p.7', 'camera', { video: 2, audio: 3 }],
      ['p.8', 'microphone2', { audio: 4 }],
    ]);
  });

  it('make a second track of a kind in one MediaStream a stream of its own', () => {
    const second = { ...sending('audio', 'a'), mid: '9' };
    expect(names(publishedStreams(none, [sending('audio', 'a'), second]))).toEqual([
      ['p.5', 'microphone', { audio: 0 }],
      ['p.6', 'microphone2', { audio: 1 }],
    ]);
  });

  it('keep id and alias while they are published, and never give an id again', () => {
    const first = publishedStreams(none, [sending('audio', 'a', 'left'), sending('audio', 'b')]);
    // The browser's own answers repeat no label.
    const second = publishedStreams(first, [
      sending('audio', 'a'),
      sending('audio', 'b'),
      sending('video', 'b'),
    ]);
    expect(names(second)).toEqual([
      ['p.5', 'left', { audio: 0 }],
      ['p.6', 'microphone', { audio: 1, video: 2 }],
    ]);
    const third = publishedStreams(second, [sending('audio', 'b')]);
    expect(names(publishedStreams(third, [sending('audio', 'a', 'left'), sending('audio', 'b')]))).toEqual([
      ['p.7', 'left', { audio: 0 }],
      ['p.6', 'microphone', { audio: 1 }],
    ]);
  });

  it('are another stream under another label', () => {
    const first = publishedStreams(none, [sending('audio', 'a', 'left')]);
    expect(names(publishedStreams(first, [sending('audio', 'a', 'right')]))).toEqual([
      ['p.6', 'right', { audio: 0 }],
    ]);
  });
});
