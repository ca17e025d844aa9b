import { expect, it } from 'vitest';
import { g711Format, lawsIn, plainG711 } from './g711.js';
import { parseSessionDescription } from './session-description.js';

it('finds the laws of a section in its order, whatever their numbers and case', () => {
  const { media } = parseSessionDescription(
    ['v=0', 'o=- 1 1 IN IP4 192.0.2.7', 'm=audio 4000 RTP/AVP 97 18 0 98 99', 'a=rtpmap:97 pcma/8000']
      .concat('a=rtpmap:98 PCMU/16000', 'a=rtpmap:99 PCMU/8000/2', '')
      .join('\r\n'),
  );
  expect(lawsIn(media[0]!, ['PCMU', 'PCMA'])).toEqual([
    { law: 'PCMA', payloadType: 97 },
    { law: 'PCMU', payloadType: 0 },
  ]);
  expect(lawsIn(media[0]!, ['PCMU'])).toEqual([{ law: 'PCMU', payloadType: 0 }]);
});

it('describes a law under its static number, or another that was agreed on', () => {
  expect(g711Format('PCMA')).toMatchObject({ payloadType: 8, encodingName: 'PCMA', clockRateHz: 8000 });
  expect(g711Format('PCMU', 97).payloadType).toBe(97);
});

it('is taken over RTP without encryption only', () => {
  const obstacle = (protocol: string): string | null =>
    plainG711(['PCMU']).obstacleIn({
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
