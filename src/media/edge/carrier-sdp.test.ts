import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MediaRefusal } from '../../domain/media-plane.js';
import { parseSessionDescription } from '../../sdp/session-description.js';
import {
  formatForFreeSwitch,
  formatOwnAnswer,
  formatOwnOffer,
  makeOffer,
  placeholderTerms,
  readCarrierAnswer,
  readCarrierOffer,
  readFreeSwitchEnd,
  type CarrierTerms,
} from './carrier-sdp.js';
import type { EdgeCodecName } from './edge-codecs.js';
import type { SrtpPolicy } from '../../domain/media-plane.js';

const all: ReadonlySet<EdgeCodecName> = new Set(['PCMU', 'PCMA', 'G722', 'opus', 'G729'] as const);
const key = Buffer.alloc(30, 7).toString('base64');
const crypto = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`;
const identity = { sessionId: '42', version: 3 };

const sdp = (...media: string[]): string =>
  ['v=0', 'o=- 1 1 IN IP4 192.0.2.7', 's=-', 'c=IN IP4 192.0.2.7', 't=0 0', ...media, ''].join('\r\n');
const audio = (formats = '0 8 101', ...lines: string[]): string[] => [
  `m=audio 4000 RTP/AVP ${formats}`,
  'a=rtpmap:101 telephone-event/8000',
  ...lines,
];
const offer = (formats?: string, ...lines: string[]): CarrierTerms =>
  readCarrierOffer(sdp(...audio(formats, ...lines)), all, null);
const end = readFreeSwitchEnd(
  sdp('m=audio 20000 RTP/AVP 0 101', 'a=rtpmap:101 telephone-event/8000', 'a=x-secret:1').replaceAll(
    '192.0.2.7',
    '198.51.100.1',
  ),
  { srtp: null },
);
const code = (work: () => unknown): string => {
  try {
    work();
    return 'nothing';
  } catch (error) {
    return error instanceof MediaRefusal ? error.code : String(error);
  }
};

describe('a carrier’s offer', () => {
  it('is taken in our order, and without telephone events, where its trunk says so', () => {
    const ours: ReadonlySet<EdgeCodecName> = new Set(['PCMA', 'PCMU'] as const);
    const terms = readCarrierOffer(sdp(...audio('0 8 101')), ours, null, {
      order: 'own',
      telephoneEvents: false,
      srtp: 'allow',
    });
    expect([terms.codec.name, terms.events, terms.takesEvents]).toEqual(['PCMA', null, false]);
    expect(code(() => readCarrierOffer(sdp(...audio('9 101')), ours, null))).toBe('no-common-codec');
    const made = makeOffer(ours, null, end, { telephoneEvents: false });
    expect(formatOwnOffer(made, { address: '192.0.2.1', port: 20_000 }, identity)).toContain(
      'm=audio 20000 RTP/AVP 8 0\r\n',
    );
    const answer = sdp('m=audio 4000 RTP/AVP 8 101', 'a=rtpmap:101 telephone-event/8000');
    expect(readCarrierAnswer(answer, made)).toMatchObject({ events: null, takesEvents: false });
  });

  it.each(['m=video 0 RTP/AVP', 'm=application 9 TCP/MRCPv2', 'm=audio 0 RTP/AVP', 'm=image -1 udptl t38'])(
    'is taken beside a section that nobody wants: %s',
    (unwanted) => {
      const terms = readCarrierOffer(sdp(unwanted, ...audio()), all, null);
      expect(terms.layout.audioIndex).toBe(1);
      const own = { end, at: { address: '192.0.2.1', port: 20_000 }, direction: 'sendrecv' as const };
      const answer = parseSessionDescription(formatOwnAnswer(terms, own, identity));
      expect(answer.media.map(({ port }) => port)).toEqual([0, 20_000]);
    },
  );

  it.each([
    [['a=maxptime:10'], 10],
    [['a=ptime:60', 'a=maxptime:40'], 40],
    [['a=ptime:20', 'a=maxptime:150'], 20],
    [['a=ptime:30', 'a=maxptime:25'], 20],
    [['a=maxptime:5'], 10],
    [['a=ptime:7'], 20],
  ])('has packets as it likes, none longer than it takes: %j', (lines, ptimeMs) => {
    expect(offer('0 101', ...lines).ptimeMs).toBe(ptimeMs);
  });

  it('is answered with its first codec that FreeSWITCH has', () => {
    expect(offer('9 0 101').codec.name).toBe('G722');
    expect(readCarrierOffer(sdp(...audio('18 9 8 0')), new Set(['PCMA', 'PCMU']), null).codec.name).toBe(
      'PCMA',
    );
    expect(code(() => readCarrierOffer(sdp(...audio('18')), new Set(['PCMU']), null))).toBe(
      'no-common-codec',
    );
  });

  it('keeps the codec that was agreed on for as long as it is offered', () => {
    const first = offer('8 0 101');
    expect(readCarrierOffer(sdp(...audio('0 8 101')), all, first).codec.name).toBe('PCMA');
    expect(readCarrierOffer(sdp(...audio('0 101')), all, first).codec.name).toBe('PCMU');
  });

  it('reaches FreeSWITCH reduced to what is known, and always as sendrecv', () => {
    const terms = offer(
      '111 0 101',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 useinbandfec=1;x=1',
      'a=fingerprint:foo AB:CD',
      'a=setup:actpass',
      'a=candidate:1 1 udp 1 10.0.0.1 1 typ host',
      'a=extmap:1 urn:x',
      'a=sendonly',
      'a=ptime:40',
      'b=AS:64',
    );
    expect(formatForFreeSwitch(terms, identity).split('\r\n')).toEqual([
      'v=0',
      'o=- 42 3 IN IP4 192.0.2.7',
      's=-',
      'c=IN IP4 192.0.2.7',
      't=0 0',
      'm=audio 4000 RTP/AVP 111 101',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 useinbandfec=1',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:40',
      'a=sendrecv',
      '',
    ]);
    expect(terms.direction).toBe('sendonly');
  });

  it.each(['0.0.0.0', '::', 'phone.example', '0.1.2.3', 'fe80::1%eth0'])(
    'names %s, to which nothing is sent',
    (address) => {
      const terms = readCarrierOffer(sdp(...audio()).replaceAll('192.0.2.7', address), all, null);
      expect(terms.peer).toBeNull();
      expect(formatForFreeSwitch(terms, identity)).toContain('c=IN IP4 127.0.0.1\r\n');
      expect(terms.direction).toBe(address === '0.0.0.0' || address === '::' ? 'inactive' : 'sendrecv');
    },
  );

  it.each(['224.0.0.9', '239.1.2.3', '255.255.255.255', 'ff02::1', '999.1.1.1'])(
    'is refused where it wants RTP at %s, which is no host’s',
    (address) => {
      const text = sdp(...audio()).replaceAll('192.0.2.7', address);
      expect(code(() => readCarrierOffer(text, all, null))).toBe('bad-sdp');
    },
  );

  it('is taken with SRTP where its key can be used', () => {
    const secure = (line: string) => sdp('m=audio 4000 RTP/SAVP 0', line);
    const terms = readCarrierOffer(secure(crypto), all, null);
    expect(formatForFreeSwitch(terms, identity)).toContain(`m=audio 4000 RTP/SAVP 0\r\n`);
    expect(formatForFreeSwitch(terms, identity)).toContain(`${crypto}\r\n`);
    expect(code(() => readCarrierOffer(secure('a=x'), all, null))).toBe('no-common-codec');
    // Beside plain RTP a key means the same (RFC 8643).
    expect(offer('0', crypto).srtp).toEqual(terms.srtp);
  });

  it('is taken or refused as the policy for SRTP has it', () => {
    const read = (srtp: SrtpPolicy, ...lines: readonly string[]) =>
      readCarrierOffer(sdp(...lines), all, null, { order: 'offerer', telephoneEvents: true, srtp });
    const [named, plain] = ['m=audio 4000 RTP/SAVP 0', 'm=audio 4000 RTP/AVP 0'];
    expect(() => read('off', named, crypto)).toThrow('SRTP is switched off for this call');
    expect(read('off', plain, crypto).srtp).toBeNull();
    expect(read('allow', plain).srtp).toBeNull();
    expect(() => read('require', plain)).toThrow('the call must be encrypted (SRTP)');
    expect(read('require', plain, crypto).srtp).not.toBeNull();
    expect(read('require', named, crypto).srtp).not.toBeNull();
  });

  it('is refused where there is nothing to say to it', () => {
    for (const [text, why] of [
      ['', 'bad-sdp'],
      [sdp('m=audio 4000 RTP/AVP 0').replace('c=IN IP4 192.0.2.7\r\n', ''), 'bad-sdp'],
      [sdp(), 'no-common-codec'],
      [sdp('m=audio 0 RTP/AVP 0'), 'no-common-codec'],
      [sdp('m=audio 4000 UDP/TLS/RTP/SAVPF 0'), 'no-common-codec'],
      [sdp('m=video 4000 RTP/AVP 0'), 'no-common-codec'],
    ] as const)
      expect(code(() => readCarrierOffer(text, all, null))).toBe(why);
  });

  it('never brings anything to FreeSWITCH that is not known here, whatever it is', () => {
    const known =
      /^(?:v=0|o=- 42 3 IN IP[46] \S+|s=-|c=IN IP[46] [0-9a-fA-F.:]+|t=0 0|m=audio \d+ RTP\/S?AVP [\d ]+|a=rtpmap:\d+ (?:PCMU|PCMA|G722|G729|telephone-event)\/8000|a=rtpmap:\d+ (?:opus\/48000\/2|telephone-event\/48000)|a=fmtp:\d+ (?:0-15|[\w=;-]+)|a=ptime:(?:10|20|30|40|60)|a=crypto:\d+ \w+ inline:[\w+/=]+|a=sendrecv|)$/;
    const line = fc.oneof(
      fc.constantFrom(
        ...['m=audio 1 RTP/AVP 0', 'm=audio 2 RTP/SAVP 8 97', 'm=audio 3 RTP/AVPF 97 9', crypto],
        ...['a=rtpmap:97 opus/48000/2', 'a=rtpmap:101 telephone-event/48000', 'a=inactive', 'a=ptime:7'],
        ...['c=IN IP6 ::1', 'c=IN IP4 %n', 'a=fingerprint:sha-256 AB', 'a=fmtp:97 stereo=1;a=b'],
      ),
      fc.string().map((text) => `a=${text}`),
      fc.string({ unit: 'binary' }).map((text) => `a=fmtp:97 ${text}`),
      fc.string().map((text) => `a=crypto:${text}`),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        let terms: CarrierTerms;
        try {
          terms = readCarrierOffer(sdp('m=audio 4000 RTP/AVP 0 97 101', ...lines), all, null);
        } catch (error) {
          expect(error).toBeInstanceOf(MediaRefusal);
          return;
        }
        for (const text of formatForFreeSwitch(terms, identity).split('\r\n')) expect(text).toMatch(known);
      }),
    );
  });
});

describe('our answer', () => {
  it('repeats every section in its place and refuses all but the one', () => {
    const terms = readCarrierOffer(
      sdp('m=video 9 RTP/AVP 96', 'a=mid:v', ...audio('8 101', 'a=mid:a'), 'm=audio 6 RTP/AVP 0'),
      all,
      null,
    );
    const text = formatOwnAnswer(
      terms,
      { end, at: { address: '203.0.113.5', port: 20_000 }, direction: 'recvonly' },
      identity,
    );
    const { media, connection } = parseSessionDescription(text);
    expect(media.map(({ kind, port }) => `${kind} ${port}`)).toEqual(['video 0', 'audio 20000', 'audio 0']);
    expect(connection?.address).toBe('203.0.113.5');
    expect(text).toContain('a=mid:a\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101');
    expect(text).toContain('a=recvonly');
    expect(text).not.toContain('x-secret');
  });

  it('promises no key presses that FreeSWITCH did not', () => {
    const text = formatOwnAnswer(
      offer(),
      { end: { ...end, events: null }, at: end, direction: 'sendrecv' },
      identity,
    );
    expect(text).not.toContain('telephone-event');
  });
});

describe('an offer of ours', () => {
  it('names all that FreeSWITCH has, and takes the answer', () => {
    const own = makeOffer(all, null, end);
    expect(formatOwnOffer(own, end, identity)).toContain('m=audio 20000 RTP/AVP 0 8 9 111 18 101\r\n');
    const terms = readCarrierAnswer(sdp(...audio('9 101')), own);
    expect(terms).toMatchObject({ codec: { name: 'G722' }, events: { payloadType: 101 } });
    expect(readCarrierAnswer(sdp(...audio('9 101')).replaceAll('101', '96'), own).events?.payloadType).toBe(
      101,
    );
  });

  it('takes no codec under a number of the carrier’s own, which FreeSWITCH would not know', () => {
    const own = makeOffer(all, null, end);
    const answer = (number: number) =>
      sdp(`m=audio 4000 RTP/AVP ${number}`, `a=rtpmap:${number} opus/48000/2`);
    expect(readCarrierAnswer(answer(111), own).codec.name).toBe('opus');
    expect(code(() => readCarrierAnswer(answer(99), own))).toBe('no-common-codec');
    expect(code(() => readCarrierAnswer(sdp(), own))).toBe('bad-sdp');
  });

  it('goes on with what was agreed on, in its place, SRTP included', () => {
    const previous = readCarrierOffer(
      sdp('m=video 9 RTP/AVP 96', 'm=audio 4000 RTP/SAVP 96 101', 'a=rtpmap:96 opus/48000/2', crypto),
      all,
      null,
    );
    const ownKey = { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', key: Buffer.alloc(30, 9).toString('base64') };
    const own = makeOffer(all, previous, { ...end, srtp: ownKey });
    const text = formatOwnOffer(own, end, identity);
    expect(text).toContain('m=video 0 RTP/AVP 96\r\n');
    expect(text).toMatch(/m=audio 20000 RTP\/SAVP 96 0 8 9 18 101/);
    expect(text).toContain(ownKey.key);
    const plain = sdp('m=video 0 RTP/AVP 96', 'm=audio 4000 RTP/AVP 0');
    expect(code(() => readCarrierAnswer(plain, own))).toBe('no-common-codec');
  });
});

describe('FreeSWITCH’s description', () => {
  it('is read for where it is and what it took', () => {
    expect(end).toMatchObject({ address: '198.51.100.1', port: 20_000, codec: { name: 'PCMU' } });
    expect(() => readFreeSwitchEnd(sdp('m=audio 0 RTP/AVP 0'), { srtp: null })).toThrow('no audio');
    expect(() => readFreeSwitchEnd('', { srtp: null })).toThrow();
    const ownKey = { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', key };
    expect(() => readFreeSwitchEnd(sdp('m=audio 9000 RTP/AVP 0'), { srtp: ownKey })).toThrow('SRTP');
    expect(() => readFreeSwitchEnd(sdp('m=audio 9000 RTP/SAVP 0', crypto), { srtp: null })).toThrow('SRTP');
  });

  it('of a carrier that is not known yet is made by a placeholder', () => {
    const text = formatForFreeSwitch(placeholderTerms(), identity);
    expect(text).toContain('m=audio 9 RTP/AVP 0 101');
  });
});
