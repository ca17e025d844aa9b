import { describe, expect, it } from 'vitest';
import type { PhoneCodecName } from '../../../sdp/phone-codecs.js';
import { SrtpSession } from '../srtp/srtp-session.js';
import {
  formatAnswer,
  formatOffer,
  negotiateAnswer,
  negotiateOffer,
  ownPastOf,
  preferencesOf,
  type CodecPreferences,
  type LocalEndpoint,
} from './phone-sdp.js';

const local: LocalEndpoint = {
  ...{ address: '192.0.2.1', rtpPort: 20_000, sessionId: '42' },
  srtpKeys: new SrtpSession(),
};
const either: CodecPreferences = { codecs: ['PCMU', 'PCMA'], order: 'offerer' };

const sdp = (...lines: string[]): string =>
  ['v=0', 'o=- 1 1 IN IP4 198.51.100.7', 's=-', 'c=IN IP4 198.51.100.7', 't=0 0', ...lines].join('\r\n') +
  '\r\n';

const answerTo = (offer: string, preferences = either): string =>
  formatAnswer(negotiateOffer(offer, preferences, null), local, 1);

const lines = (text: string, pattern: RegExp): string[] =>
  text.split('\r\n').filter((line) => pattern.test(line));

describe('an answer to a phone', () => {
  it('names one codec, the telephone events under the offered number, and our address', () => {
    const answer = answerTo(
      sdp(
        'm=audio 4000 RTP/AVP 18 8 0 96',
        'a=rtpmap:96 telephone-event/8000',
        'a=fmtp:96 0-16',
        'a=ptime:30',
      ),
    );
    expect(answer.split('\r\n')).toEqual([
      'v=0',
      'o=- 42 1 IN IP4 192.0.2.1',
      's=-',
      'c=IN IP4 192.0.2.1',
      't=0 0',
      'm=audio 20000 RTP/AVP 8 96',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:96 telephone-event/8000',
      'a=fmtp:96 0-15',
      'a=ptime:20',
      'a=sendrecv',
      '',
    ]);
  });

  it.each<[string, string[], CodecPreferences, string]>([
    ["the offerer's first", ['m=audio 4000 RTP/AVP 0 8'], either, '0'],
    ["the offerer's first, the other way round", ['m=audio 4000 RTP/AVP 8 0'], either, '8'],
    [
      'our first where configured',
      ['m=audio 4000 RTP/AVP 0 8'],
      { codecs: ['PCMA', 'PCMU'], order: 'own' },
      '8',
    ],
    ['the only one allowed', ['m=audio 4000 RTP/AVP 0 8'], { codecs: ['PCMA'], order: 'offerer' }, '8'],
    ['a law under a dynamic number', ['m=audio 4000 RTP/AVP 97', 'a=rtpmap:97 pcmu/8000'], either, '97'],
    [
      'events at 8 kHz only',
      ['m=audio 4000 RTP/AVP 0 101', 'a=rtpmap:101 telephone-event/16000'],
      either,
      '0',
    ],
    ['the same profile as offered', ['m=audio 4000 RTP/AVPF 0'], either, '0'],
  ])('takes %s', (_what, media, preferences, formats) => {
    const profile = media[0]!.split(' ')[2]!;
    expect(lines(answerTo(sdp(...media), preferences), /^m=/)).toEqual([
      `m=audio 20000 ${profile} ${formats}`,
    ]);
  });

  it('has no telephone events where none are wanted, nor has an offer of ours', () => {
    const preferences: CodecPreferences = { ...either, telephoneEvents: false };
    const offer = sdp('m=audio 4000 RTP/AVP 0 101', 'a=rtpmap:101 telephone-event/8000');
    expect(lines(answerTo(offer, preferences), /^m=/)).toEqual(['m=audio 20000 RTP/AVP 0']);
    const agreement = negotiateOffer(offer, preferences, null);
    expect([agreement.events, agreement.ownEvents]).toEqual([null, []]);
    const ours = formatOffer({ ...preferences, codecs: ['PCMA'] }, null, local, 1);
    expect(lines(ours, /^m=/)).toEqual(['m=audio 20000 RTP/AVP 8']);
    const answered = negotiateAnswer(offer, preferences, null);
    expect(answered.events).toBeNull();
  });

  it('refuses every other section in its place', () => {
    const answer = answerTo(
      sdp(
        ...['m=video 5000 RTP/AVP 96 97', 'a=rtpmap:96 H264/90000', 'a=mid:v'],
        ...['m=audio 5002 RTP/AVP 18'],
        ...['m=audio 5004 RTP/AVP 0', 'a=mid:a'],
        ...['m=audio 5006 RTP/AVP 0'],
        ...['m=image 5008 udptl t38'],
        ...['m=audio 0 RTP/AVP 0'],
      ),
    );
    expect(lines(answer, /^m=|^a=mid/)).toEqual([
      ...['m=video 0 RTP/AVP 96 97', 'a=mid:v'],
      'm=audio 0 RTP/AVP 18',
      ...['m=audio 20000 RTP/AVP 0', 'a=mid:a'],
      'm=audio 0 RTP/AVP 0',
      'm=image 0 udptl t38',
      'm=audio 0 RTP/AVP 0',
    ]);
  });

  it.each<[string, string, 'bad-sdp' | 'no-common-codec']>([
    ['that cannot be read', 'hello', 'bad-sdp'],
    [
      'without an address',
      'v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\nm=audio 4 RTP/AVP 0\r\n',
      'bad-sdp',
    ],
    ['without audio', sdp('m=video 5000 RTP/AVP 96'), 'no-common-codec'],
    ['without any media', sdp(), 'no-common-codec'],
    ['whose audio is refused', sdp('m=audio 0 RTP/AVP 0'), 'no-common-codec'],
    [
      'with other codecs only',
      sdp('m=audio 4000 RTP/AVP 18 101', 'a=rtpmap:101 telephone-event/8000'),
      'no-common-codec',
    ],
    ['of wideband G.711', sdp('m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 PCMU/16000'), 'no-common-codec'],
    ['of SRTP', sdp('m=audio 4000 RTP/SAVP 0'), 'no-common-codec'],
  ])('is not given to an offer %s', (_what, offer, code) => {
    expect(() => negotiateOffer(offer, either, null)).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    ['sendrecv', 'sendrecv', true, true],
    ['sendonly', 'recvonly', false, true],
    ['recvonly', 'sendonly', true, false],
    ['inactive', 'inactive', false, false],
  ])('answers %s with %s', (offered, answered, peerReceives, peerSends) => {
    const agreement = negotiateOffer(sdp('m=audio 4000 RTP/AVP 0', `a=${offered}`), either, null);
    expect(agreement).toMatchObject({ peerReceives, peerSends });
    expect(formatAnswer(agreement, local, 1)).toContain(`a=${answered}\r\n`);
  });

  it('takes a direction at session level', () => {
    expect(answerTo(sdp('a=sendonly', 'm=audio 4000 RTP/AVP 0'))).toContain('a=recvonly');
  });

  it('takes c=0.0.0.0 for a hold that leaves the address alone', () => {
    const first = negotiateOffer(sdp('m=audio 4000 RTP/AVP 0'), either, null);
    const held = negotiateOffer(sdp('m=audio 4000 RTP/AVP 0', 'c=IN IP4 0.0.0.0'), either, first);
    expect(held).toMatchObject({ peerReceives: false, peerSends: false, remoteRtp: first.remoteRtp });
  });

  it.each([
    ['its c= line and m= line', [], { address: '198.51.100.7', port: 4000 }, 4001, false],
    ['its own c= line', ['c=IN IP4 203.0.113.9'], { address: '203.0.113.9', port: 4000 }, 4001, false],
    ['an RTCP port of its own', ['a=rtcp:4777'], { address: '198.51.100.7', port: 4000 }, 4777, false],
    ['RTCP on the same port', ['a=rtcp-mux'], { address: '198.51.100.7', port: 4000 }, 4001, true],
  ])('finds the peer by %s', (_what, attributes, remoteRtp, rtcpPort, rtcpMux) => {
    const agreement = negotiateOffer(sdp('m=audio 4000 RTP/AVP 0', ...attributes), either, null);
    expect(agreement).toMatchObject({ remoteRtp, remoteRtcp: { port: rtcpPort }, rtcpMux });
    expect(formatAnswer(agreement, local, 1).includes('a=rtcp-mux')).toBe(rtcpMux);
  });

  const offerAt = (address: string): string =>
    sdp('m=audio 4000 RTP/AVP 0', `c=IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`);

  it.each(['phone.example.com', '0.0.0.0', '0.1.2.3', '::', 'fe80::1%eth0'])(
    'never sends to %s',
    (address) => {
      const agreement = negotiateOffer(offerAt(address), either, null);
      expect(agreement).toMatchObject({ remoteRtp: null, remoteRtcp: null });
    },
  );

  it.each(['239.1.2.3', 'ff02::1', '255.255.255.255', '999.1.1.1'])(
    'is not given to an offer that wants RTP at %s, which is no host’s',
    (address) => {
      expect(() => negotiateOffer(offerAt(address), either, null)).toThrow(
        expect.objectContaining({ code: 'bad-sdp' }),
      );
    },
  );

  it('keeps the codec agreed on as long as it is offered, and follows when it is not', () => {
    const first = negotiateOffer(sdp('m=audio 4000 RTP/AVP 0 8'), either, null);
    expect(negotiateOffer(sdp('m=audio 4000 RTP/AVP 8 0'), either, first).codec.name).toBe('PCMU');
    expect(negotiateOffer(sdp('m=audio 4000 RTP/AVP 8'), either, first).codec.name).toBe('PCMA');
  });

  it('names an IPv6 address as such', () => {
    const agreement = negotiateOffer(sdp('m=audio 4000 RTP/AVP 0'), either, null);
    expect(formatAnswer(agreement, { ...local, address: '2001:db8::1' }, 1)).toContain(
      'c=IN IP6 2001:db8::1',
    );
  });
});

describe('an offer of ours', () => {
  it('holds both laws, telephone events and rtcp-mux', () => {
    const offer = formatOffer({ ...either, srtp: 'off' }, null, local, 3);
    expect(lines(offer, /^[moa]=/)).toEqual([
      'o=- 42 3 IN IP4 192.0.2.1',
      'm=audio 20000 RTP/AVP 0 8 101',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      'a=rtcp-mux',
      'a=sendrecv',
    ]);
  });

  it("is agreed on in the answer's first law, while either may come", () => {
    const agreement = negotiateAnswer(sdp('m=audio 4000 RTP/AVP 8 0'), either, null);
    expect(agreement).toMatchObject({
      codec: { name: 'PCMA' },
      payloadType: 8,
      events: null,
      rtcpMux: false,
    });
    expect([...agreement.receivable].map(([number, codec]) => [number, codec.name])).toEqual([
      [0, 'PCMU'],
      [8, 'PCMA'],
    ]);
  });

  it('takes telephone events by our number, sends them by that of the answer, and offers ours again', () => {
    const answer = sdp('m=audio 4000 RTP/AVP 0 96', 'a=rtpmap:96 telephone-event/8000');
    const agreement = negotiateAnswer(answer, either, null);
    expect(agreement).toMatchObject({
      events: { payloadType: 96, clockRateHz: 8000 },
      ownEvents: [{ payloadType: 101, clockRateHz: 8000 }],
    });
    expect(lines(formatOffer(either, agreement, local, 2), /^m=/)).toEqual(['m=audio 20000 RTP/AVP 0 8 101']);
  });

  it('refreshes an agreement with the same sections, codec first, and numbers', () => {
    const offer = sdp(
      'm=video 5000 RTP/AVP 96',
      'm=audio 4000 RTP/AVPF 8 96',
      'a=rtpmap:96 telephone-event/8000',
      'a=mid:1',
    );
    const first = negotiateOffer(offer, either, null);
    const again = formatOffer(either, first, local, 2);
    expect(lines(again, /^m=|^a=mid|rtcp-mux/)).toEqual([
      'm=video 0 RTP/AVP 96',
      'm=audio 20000 RTP/AVPF 8 0 96',
      'a=mid:1',
    ]);
    const answer = sdp(
      'm=video 0 RTP/AVP 96',
      'm=audio 4010 RTP/AVPF 8 96',
      'a=rtpmap:96 telephone-event/8000',
    );
    expect(negotiateAnswer(answer, either, first)).toMatchObject({
      codec: { name: 'PCMA' },
      events: { payloadType: 96, clockRateHz: 8000 },
      layout: { audioIndex: 1 },
      remoteRtp: { port: 4010 },
    });
  });

  it.each<[string, string, 'bad-sdp' | 'no-common-codec']>([
    ['has no m= line', sdp(), 'bad-sdp'],
    ['refuses the audio', sdp('m=audio 0 RTP/AVP 0'), 'no-common-codec'],
    ['names a codec that was not offered', sdp('m=audio 4000 RTP/AVP 18'), 'no-common-codec'],
  ])('cannot be agreed on when the answer %s', (_what, answer, code) => {
    expect(() => negotiateAnswer(answer, either, null)).toThrow(expect.objectContaining({ code }));
  });
});

describe('codecs with other clocks', () => {
  const all = preferencesOf({ codecs: null, telephoneEvents: true, srtp: null });
  const opus = ['a=rtpmap:96 opus/48000/2', 'a=fmtp:96 useinbandfec=1;maxplaybackrate=16000'];

  it('are taken in the order of whoever offers, with the telephone events at their clock', () => {
    const offer = sdp(
      ...['m=audio 4000 RTP/AVP 96 9 0 101 102', ...opus],
      ...['a=rtpmap:101 telephone-event/8000', 'a=rtpmap:102 telephone-event/48000'],
    );
    const agreement = negotiateOffer(offer, all, null);
    expect(agreement.codec).toMatchObject({ name: 'opus', clockRateHz: 48_000, rateHz: 16_000 });
    expect(agreement.events).toEqual({ payloadType: 102, clockRateHz: 48_000 });
    expect(lines(formatAnswer(agreement, local, 1), /^m=|^a=(?:rtpmap|fmtp)/)).toEqual([
      'm=audio 20000 RTP/AVP 96 102',
      'a=rtpmap:96 opus/48000/2',
      'a=fmtp:96 useinbandfec=1',
      'a=rtpmap:102 telephone-event/48000',
      'a=fmtp:102 0-15',
    ]);
  });

  it('take telephone events at 8 kHz where there are no others', () => {
    const offer = sdp('m=audio 4000 RTP/AVP 96 101', ...opus, 'a=rtpmap:101 telephone-event/8000');
    expect(negotiateOffer(offer, all, null).events).toEqual({ payloadType: 101, clockRateHz: 8000 });
  });

  it('are chosen by our order where that decides', () => {
    const offer = sdp('m=audio 4000 RTP/AVP 96 9 0', ...opus);
    const names = (codecs: readonly PhoneCodecName[]) =>
      negotiateOffer(offer, preferencesOf({ codecs, telephoneEvents: true, srtp: null }), null).codec.name;
    expect(names(['PCMU', 'opus'])).toBe('PCMU');
    expect(names(['G722', 'PCMU'])).toBe('G722');
    expect(() => names(['PCMA'])).toThrow('none of the audio codecs is supported');
  });

  it('stay for as long as they are offered, whatever else is', () => {
    const first = negotiateOffer(sdp('m=audio 4000 RTP/AVP 9'), all, null);
    expect(negotiateOffer(sdp('m=audio 4000 RTP/AVP 0 8 9'), all, first).codec.name).toBe('G722');
    expect(negotiateOffer(sdp('m=audio 4000 RTP/AVP 0 8'), all, first).codec.name).toBe('PCMU');
  });

  it('are all in an offer of ours, with telephone events at each clock, and keep their numbers in the next', () => {
    const offer = formatOffer(all, null, local, 1);
    expect(lines(offer, /^m=|^a=rtpmap/)).toEqual([
      'm=audio 20000 RTP/AVP 111 9 0 8 101 110',
      'a=rtpmap:111 opus/48000/2',
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=rtpmap:110 telephone-event/48000',
    ]);
    const answer = sdp(
      ...['m=audio 4000 RTP/AVP 111 110', 'a=rtpmap:111 opus/48000/2'],
      'a=rtpmap:110 telephone-event/48000',
    );
    const agreement = negotiateAnswer(answer, all, null);
    expect(agreement.codec.name).toBe('opus');
    expect(agreement.ownEvents.map(({ payloadType }) => payloadType)).toEqual([101, 110]);
    expect(lines(formatOffer(all, agreement, local, 2), /^m=/)).toEqual([
      'm=audio 20000 RTP/AVP 111 9 0 8 101 110',
    ]);
  });

  it('are left out of an offer of ours in a call that has another, and so is whose number the peer gave to another', () => {
    const offer = sdp(
      ...['m=audio 4000 RTP/AVP 9 111', 'a=rtpmap:9 PCMU/8000', 'a=rtpmap:111 telephone-event/8000'],
    );
    const agreement = negotiateOffer(offer, all, null);
    expect(agreement).toMatchObject({ codec: { name: 'PCMU' }, payloadType: 9 });
    const again = formatOffer(all, agreement, local, 2);
    expect(lines(again, /^m=/)).toEqual(['m=audio 20000 RTP/AVP 9 8 111']);
    const plain = negotiateOffer(sdp('m=audio 4000 RTP/AVP 0'), all, null);
    expect(lines(formatOffer(all, plain, local, 2), /^m=/)).toEqual(['m=audio 20000 RTP/AVP 0 8 101']);
  });
});

describe('a description of ours that another leg goes on from', () => {
  const all = preferencesOf({ codecs: null, telephoneEvents: true, srtp: null });
  const offer = sdp(
    ...['m=video 5000 RTP/AVP 96', 'm=audio 4000 RTP/AVP 97 100', 'a=mid:1', 'a=rtpmap:97 opus/48000/2'],
    'a=rtpmap:100 telephone-event/48000',
  );
  const answer = formatAnswer(negotiateOffer(offer, all, null), local, 7);

  it('keeps its identity, sections, codec first, and numbers', () => {
    const past = ownPastOf(answer);
    expect(past).toMatchObject({ identity: { sessionId: '42', version: 7 } });
    expect(lines(formatOffer(all, past.agreement, local, 8), /^[om]=|^a=(?:mid|rtpmap)/)).toEqual([
      'o=- 42 8 IN IP4 192.0.2.1',
      'm=video 0 RTP/AVP 96',
      'm=audio 20000 RTP/AVP 97 0 8 101 100',
      'a=mid:1',
      'a=rtpmap:97 opus/48000/2',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=rtpmap:100 telephone-event/48000',
    ]);
    const agreed = negotiateAnswer(
      sdp('m=video 0 RTP/AVP 96', 'm=audio 4000 RTP/AVP 97', 'a=rtpmap:97 opus/48000/2'),
      all,
      past.agreement,
    );
    expect(agreed).toMatchObject({ codec: { name: 'opus' }, layout: { audioIndex: 1 } });
  });

  it('is none of a phone’s where it has no audio', () => {
    expect(() => ownPastOf(sdp('m=audio 0 RTP/AVP 0'))).toThrow('no audio');
    expect(() => ownPastOf('v=0')).toThrow();
  });
});
