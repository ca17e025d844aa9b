import { expect, it } from 'vitest';
import { codecFormat, codecsIn, plainAudio, type PhoneCodecName } from './phone-codecs.js';
import { parseSessionDescription } from './session-description.js';

const section = (...lines: string[]) =>
  parseSessionDescription(['v=0', 'o=- 1 1 IN IP4 192.0.2.7', ...lines, ''].join('\r\n')).media[0]!;
const all: readonly PhoneCodecName[] = ['opus', 'G722', 'PCMU', 'PCMA'];

it('finds the laws of a section in its order, whatever their numbers and case', () => {
  const media = section(
    ...['m=audio 4000 RTP/AVP 97 18 0 98 99', 'a=rtpmap:97 pcma/8000'],
    ...['a=rtpmap:98 PCMU/16000', 'a=rtpmap:99 PCMU/8000/2'],
  );
  expect(codecsIn(media, ['PCMU', 'PCMA'])).toEqual([
    { codec: 'PCMA', payloadType: 97, parameters: new Map() },
    { codec: 'PCMU', payloadType: 0, parameters: new Map() },
  ]);
  expect(codecsIn(media, ['PCMU'])).toEqual([{ codec: 'PCMU', payloadType: 0, parameters: new Map() }]);
});

it('finds G.722 at its clock of 8 kHz, by its static number too, and Opus with what its receiver asks for', () => {
  const media = section(
    ...['m=audio 4000 RTP/AVP 9 96 97 98 99', 'a=rtpmap:96 OPUS/48000/2'],
    ...['a=fmtp:96 maxplaybackrate=16000; useinbandfec=1', 'a=rtpmap:97 opus/48000'],
    ...['a=rtpmap:98 G722/16000', 'a=rtpmap:99 opus/16000/2'],
  );
  expect(codecsIn(media, all)).toEqual([
    { codec: 'G722', payloadType: 9, parameters: new Map() },
    {
      codec: 'opus',
      payloadType: 96,
      parameters: new Map([
        ['maxplaybackrate', '16000'],
        ['useinbandfec', '1'],
      ]),
    },
  ]);
});

it('describes a codec under its usual number, or another that was agreed on', () => {
  expect(codecFormat('PCMA')).toMatchObject({ payloadType: 8, encodingName: 'PCMA', clockRateHz: 8000 });
  expect(codecFormat('PCMU', 97).payloadType).toBe(97);
  expect(codecFormat('G722')).toMatchObject({ payloadType: 9, clockRateHz: 8000, channels: 1 });
  expect(codecFormat('opus', 111)).toMatchObject({ payloadType: 111, clockRateHz: 48_000, channels: 2 });
});

it('is taken over RTP without encryption only', () => {
  const obstacle = (protocol: string): string | null =>
    plainAudio(['PCMU']).obstacleIn({
      kind: 'audio',
      port: 4,
      protocol,
      formats: ['0'],
      bandwidth: [],
      attributes: [],
    });
  expect(['RTP/AVP', 'RTP/AVPF'].map(obstacle)).toEqual([null, null]);
  expect(obstacle('RTP/SAVP')).toBe('RTP/SAVP is not supported');
});
