import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countSections, sentStreams, withAliases } from './device-sdp.js';

const offer = [
  'v=0',
  'o=- 1 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1 2',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=mid:0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:1',
  'a=sendonly',
  'a=msid:one track-a',
  'm=video 0 UDP/TLS/RTP/SAVPF 96',
  'a=bundle-only',
  'a=mid:2',
  'a=sendonly',
  'a=msid:one track-v',
  'a=label:old',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111',
  'a=mid:3',
  'a=msid:two track-b',
  '',
].join('\r\n');

describe('aliases', () => {
  it('stand in every section of their stream, in place of a label that was there, and nowhere else', () => {
    const lines = withAliases(offer, new Map([['one', 'my (mic)']])).split('\r\n');
    expect(lines.filter((line) => line.startsWith('a=label'))).toEqual([
      'a=label:my%20%28mic%29',
      'a=label:my%20%28mic%29',
    ]);
    expect(lines.filter((line) => !line.startsWith('a=label'))).toEqual(
      offer.split('\r\n').filter((line) => !line.startsWith('a=label')),
    );
    expect(lines.indexOf('a=label:my%20%28mic%29')).toBe(lines.indexOf('a=msid:one track-a') + 1);
  });

  it('change nothing else, whatever the description and whatever its line ends', () => {
    expect(withAliases(offer.replace('a=label:old\r\n', ''), new Map())).toBe(
      offer.replace('a=label:old\r\n', ''),
    );
    const short = (...lines: string[]): string =>
      ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=audio 9 X 0', 'a=msid:s t', ...lines, ''].join(
        '\r\n',
      );
    expect(withAliases(short().replaceAll('\r\n', '\n'), new Map([['s', 'x']]))).toBe(short('a=label:x'));
  });

  it('are not put into what is no session description: the media refuses it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => void expect(withAliases(text, new Map([['s', 'x']]))).toBe(text)),
    );
  });

  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (alias) => {
        const [stream] = sentStreams(withAliases(offer, new Map([['two', alias]]))).slice(-1);
        expect(stream?.alias).toBe(alias);
      }),
    );
  });
});

describe('the streams that a description sends', () => {
  it('are told with their media, whatever is stopped or only received left out', () => {
    expect(sentStreams(offer)).toEqual([
      { streamId: 'one', alias: 'old', mediaTypes: ['AUDIO', 'VIDEO'] },
      { streamId: 'two', alias: null, mediaTypes: ['AUDIO'] },
    ]);
    for (const direction of ['recvonly', 'inactive']) {
      const stopped = offer.replaceAll('a=sendonly', `a=${direction}`);
      expect(sentStreams(stopped).map(({ streamId }) => streamId)).toEqual(['two']);
    }
    const rejected = offer.replace('m=audio 9', 'm=audio 0').replace('a=bundle-only\r\n', '');
    expect(sentStreams(rejected).map(({ streamId }) => streamId)).toEqual(['two']);
  });

  it('have an id: a track without a stream is none', () => {
    expect(sentStreams(offer.replaceAll('a=msid:two', 'a=msid:-'))).toHaveLength(1);
  });

  it('are counted by section', () => {
    expect(countSections(offer)).toBe(4);
    expect(countSections('')).toBeNull();
  });
});
