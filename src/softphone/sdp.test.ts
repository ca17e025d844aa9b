import { describe, expect, it } from 'vitest';
import { formatAnswer, formatOffer, readAudio, type LocalDescription } from './sdp.js';

const local: LocalDescription = {
  address: '192.0.2.1',
  port: 4_000,
  sessionId: '7',
  version: 2,
  codecs: ['PCMA', 'PCMU'],
  direction: 'sendrecv',
};

const lines = (...more: string[]): string =>
  ['v=0', 'o=- 1 1 IN IP4 192.0.2.9', 's=-', 'c=IN IP4 192.0.2.9', 't=0 0', ...more, ''].join('\r\n');

describe('the offer', () => {
  it('has its codecs in order, and key presses', () => {
    expect(formatOffer(local)).toContain('m=audio 4000 RTP/AVP 8 0 101\r\n');
    expect(formatOffer({ ...local, address: '2001:db8::1' })).toContain('c=IN IP6 2001:db8::1\r\n');
    expect(readAudio(formatOffer(local), ['PCMU', 'PCMA'])).toEqual({
      remoteAddress: '192.0.2.1',
      remotePort: 4_000,
      codec: 'PCMA',
      payloadType: 8,
      parameters: new Map(),
      eventPayloadType: 101,
      eventClockRateHz: 8000,
      srtp: null,
      remoteReceives: true,
      remoteSends: true,
    });
  });
});

describe('readAudio', () => {
  it('takes the first section and codec that it knows', () => {
    const sdp = lines(
      'm=audio 5000 UDP/TLS/RTP/SAVPF 0',
      'm=audio 5002 RTP/AVP 9 96 0',
      'c=IN IP4 192.0.2.10',
      'a=rtpmap:96 pcma/8000',
      'a=rtpmap:97 telephone-event/8000',
      'a=sendonly',
    );
    expect(readAudio(sdp, ['PCMU', 'PCMA'])).toMatchObject({
      remoteAddress: '192.0.2.10',
      remotePort: 5_002,
      codec: 'PCMA',
      payloadType: 96,
      remoteReceives: false,
      remoteSends: true,
    });
    expect(readAudio(sdp, ['PCMU'])?.payloadType).toBe(0);
  });

  it.each(['IP4 0.0.0.0', 'IP6 ::'])('knows the hold of RFC 2543 (%s)', (address) => {
    expect(readAudio(lines('m=audio 5000 RTP/AVP 0', `c=IN ${address}`), ['PCMU'])?.remoteReceives).toBe(
      false,
    );
  });

  it.each([
    ['no audio', lines('m=video 5000 RTP/AVP 31')],
    ['port 0', lines('m=audio 0 RTP/AVP 0')],
    ['no codec in common', lines('m=audio 5000 RTP/AVP 9')],
    ['encrypted audio only', lines('m=audio 5000 RTP/SAVP 0')],
    ['no connection line', 'v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n'],
  ])('has nothing to say to %s', (_what, sdp) => {
    expect(readAudio(sdp, ['PCMU'])).toBeNull();
  });
});

it('the answer refuses every section but one', () => {
  const offer = lines(
    'm=video 6000 RTP/AVP 31',
    'm=audio 5000 RTP/AVP 0 101',
    'a=rtpmap:101 telephone-event/8000',
    'm=audio 5002 RTP/AVP 0',
  );
  const audio = readAudio(offer, ['PCMU']);
  if (!audio) throw new Error('unread');
  const answer = formatAnswer({ ...local, direction: 'recvonly' }, offer, audio);
  expect(answer.match(/m=.*/g)).toEqual([
    'm=video 0 RTP/AVP 31',
    'm=audio 4000 RTP/AVP 0 101',
    'm=audio 0 RTP/AVP 0',
  ]);
  expect(answer).toContain('a=recvonly');
});
