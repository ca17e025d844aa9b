import { describe, expect, it } from 'vitest';
import { kindOfOffer } from './offer-kind.js';

const offer = (protocol: string, ...attributes: string[]): string =>
  [
    'v=0',
    'o=- 1 1 IN IP4 192.0.2.1',
    's=-',
    't=0 0',
    `m=audio 4000 ${protocol} 0`,
    'c=IN IP4 192.0.2.1',
    ...attributes.map((attribute) => `a=${attribute}`),
    '',
  ].join('\r\n');
const ice = ['ice-ufrag:abcd', `ice-pwd:${'p'.repeat(22)}`];
const fingerprint = 'fingerprint:sha-256 AB:CD';

describe('the kind of an offer', () => {
  it.each([
    ['browser', 'ICE and DTLS', offer('UDP/TLS/RTP/SAVPF', ...ice, fingerprint)],
    ['browser', 'ICE and DTLS over TCP', offer('TCP/TLS/RTP/SAVPF', ...ice, fingerprint)],
    [
      'browser',
      'ICE and DTLS over TCP, by its registered name',
      offer('TCP/DTLS/RTP/SAVPF', ...ice, fingerprint),
    ],
    ['browser', 'ICE and DTLS, called SRTP with feedback', offer('RTP/SAVPF', ...ice, fingerprint)],
    ['browser', 'ICE and DTLS, called SRTP', offer('RTP/SAVP', ...ice, fingerprint)],
    ['browser', 'ICE and DTLS, without feedback', offer('UDP/TLS/RTP/SAVP', ...ice, fingerprint)],
    ['phone', 'SRTP with a key, ICE and DTLS', offer('RTP/SAVP', ...ice, fingerprint, 'crypto:1 x inline:y')],
    ['phone', 'plain RTP', offer('RTP/AVP')],
    ['phone', 'SRTP with a key in the description', offer('RTP/SAVP')],
    ['phone', 'DTLS without ICE', offer('UDP/TLS/RTP/SAVPF', fingerprint)],
    ['phone', 'ICE without DTLS', offer('UDP/TLS/RTP/SAVPF', ...ice)],
    ['phone', 'ICE and a fingerprint beside plain RTP', offer('RTP/AVPF', ...ice, fingerprint)],
    ['phone', 'nothing that can be read', 'v=1'],
    ['phone', 'nothing', ''],
  ])('is a %s’s with %s', (kind, _, text) => {
    expect(kindOfOffer(text)).toBe(kind);
  });

  it('is a browser’s with ICE and a fingerprint beside plain RTP, where it came over a WebSocket', () => {
    for (const protocol of ['RTP/AVP', 'RTP/AVPF'])
      expect(kindOfOffer(offer(protocol, ...ice, fingerprint), true)).toBe('browser');
    expect(kindOfOffer(offer('RTP/AVP'), true)).toBe('phone');
    expect(kindOfOffer(offer('RTP/AVP', ...ice, fingerprint, 'crypto:1 x inline:y'), true)).toBe('phone');
  });

  it('is a browser’s where one section of several is', () => {
    const [head = '', audio = ''] = offer('UDP/TLS/RTP/SAVPF', ...ice, fingerprint).split('m=');
    expect(kindOfOffer(`${head}m=audio 0 RTP/AVP 0\r\nm=${audio}`)).toBe('browser');
    const channels = audio.replace(/^audio 4000 \S+ 0/, 'application 9 UDP/DTLS/SCTP webrtc-datachannel');
    expect(kindOfOffer(`${head}m=${channels}`)).toBe('browser');
  });
});
