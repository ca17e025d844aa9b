/** What FreeSWITCH gets of carriers’ descriptions has one form, whatever they contain: it dies of some that it does not know. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MediaRefusal } from '../../domain/media-plane.js';
import { audioAlone } from '../../sdp/audio-section.js';
import { formatForFreeSwitch, readCarrierAnswer, readCarrierOffer, type OwnOffer } from './carrier-sdp.js';
import { ownCodec, type EdgeCodecName } from './edge-codecs.js';

const codecs: ReadonlySet<EdgeCodecName> = new Set(['PCMU', 'PCMA', 'G722', 'opus', 'G729'] as const);

const payloadType = String.raw`(?:\d|[1-9]\d|1[01]\d|12[0-7])`;
const address = String.raw`(?:IP4 \d{1,3}(?:\.\d{1,3}){3}|IP6 [0-9A-Fa-f:.]{2,45})`;
const parameter = '[a-z-]+=(?:\\d{1,6}|yes|no)';
/** Each with its line end; `?` where it may be missing. */
const lines = [
  'v=0\r\n',
  `o=- 42 3 IN ${address}\r\n`,
  's=-\r\n',
  `c=IN ${address}\r\n`,
  't=0 0\r\n',
  `m=audio [1-9]\\d{0,4} RTP/S?AVP ${payloadType}(?: ${payloadType})?\r\n`,
  `a=rtpmap:${payloadType} (?:(?:PCMU|PCMA|G722|G729)/8000|opus/48000/2)\r\n`,
  `(?:a=fmtp:${payloadType} ${parameter}(?:;${parameter})*\r\n)?`,
  `(?:a=rtpmap:${payloadType} telephone-event/(?:8000|48000)\r\na=fmtp:${payloadType} 0-15\r\n)?`,
  'a=ptime:(?:10|20|30|40|60)\r\n',
  '(?:a=crypto:\\d{1,9} AES_CM_128_HMAC_SHA1_(?:80|32) inline:[A-Za-z0-9+/]{40}\r\n',
  '|a=crypto:\\d{1,9} AES_256_CM_HMAC_SHA1_(?:80|32) inline:[A-Za-z0-9+/]{62}==\r\n)?',
  'a=sendrecv\r\n',
];
const allowed = new RegExp(`^${lines.join('')}$`);

const odd = fc.oneof(
  fc.constantFrom(
    ...[
      '\r',
      '\n',
      '\0',
      '\u2028',
      '\u0085',
      '\v',
      '%eth0',
      '%0d%0a',
      ';',
      '|',
      ' ',
      '\t',
      '"',
      '${x}',
      '=',
      '/',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({ maxLength: 12 }),
);
/** Each piece is what it should be, or something beside it. */
const piece = (...good: string[]) =>
  fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: odd },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...good), odd).map(([one, other]) => one + other) },
  );
const line = (...parts: (string | fc.Arbitrary<string>)[]) =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((texts) => texts.join(''));

const number = piece('0', '8', '9', '18', '96', '101', '111', '127', '128', '255', '-1', '1e1');
const host = piece(
  ...['192.0.2.7', '0.0.0.0', '127.0.0.1', '224.0.0.1', '2001:db8::1', '::', '::ffff:192.0.2.7'],
  ...[
    'fe80::1',
    'fe80::1%eth0',
    'fe80::1%a-b.c:d',
    'ff02::1',
    'host.example',
    '1.2.3',
    '0x7f.1',
    '192.0.2.7/127/3',
  ],
);
const key30 = Buffer.alloc(30, 7).toString('base64');
const key = piece(
  key30,
  Buffer.alloc(46, 7).toString('base64'),
  `${key30}A`,
  `${key30}=`,
  Buffer.alloc(46, 7).toString('base64').replace(/=+$/, ''),
);
const wellFormedLine = fc.oneof(
  line(
    ...['a=rtpmap:', number, ' ', piece('PCMU', 'pcma', 'G722', 'opus', 'OPUS', 'G729', 'telephone-event')],
    ...['/', piece('8000', '48000', '16000', '0'), piece('', '/1', '/2', '/255')],
  ),
  line(
    ...[
      'a=fmtp:',
      number,
      ' ',
      piece('maxaveragebitrate', 'stereo', 'useinbandfec', 'annexb', '__proto__', 'x'),
    ],
    ...[
      piece('=', ''),
      piece('1', '0', 'no', '64000', '99999999999', '-1'),
      piece('', ';stereo=1', '; cbr=1'),
    ],
  ),
  line(
    ...['a=crypto:', piece('1', '999999999', '-1'), ' '],
    ...[piece('AES_CM_128_HMAC_SHA1_80', 'AES_256_CM_HMAC_SHA1_80', 'constructor', 'F8_128_HMAC_SHA1_80')],
    ...[' inline:', key, piece('', '|2^31', '|1:4', '|2^31|1:4', ' UNENCRYPTED_SRTP')],
  ),
  line('a=ptime:', piece('20', '40', '0', '9999', '20.5', '-20')),
  line('a=fingerprint:', piece('foo', 'sha-256'), ' AB:CD'),
  line(
    'a=',
    piece('sendonly', 'inactive', 'setup:actpass', 'ice-ufrag:abcd', 'rtcp:1 IN IP4 1.1.1.1', 'rtcp-mux'),
  ),
  line('c=IN ', piece('IP4', 'IP6'), ' ', host),
  line('b=', piece('AS:64', 'TIAS:-1')),
);
const attributeLine = fc.oneof(
  { weight: 20, arbitrary: wellFormedLine },
  { weight: 4, arbitrary: fc.constant(`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key30}`) },
  { weight: 1, arbitrary: odd },
);
const description = fc
  .tuple(
    line('o=', piece('-', 'x'), ' 1 1 IN ', piece('IP4', 'IP6'), ' ', host),
    line('c=IN ', piece('IP4', 'IP6'), ' ', host),
    line(
      ...[
        'm=',
        piece('audio', 'audio', 'audio', 'video'),
        ' ',
        piece('4000', '4002', '65535', '4000/2', '0', '65536'),
      ],
      ...[' ', piece('RTP/AVP', 'RTP/AVP', 'RTP/SAVP', 'RTP/SAVP', 'RTP/AVPF', 'UDP/TLS/RTP/SAVPF')],
      ...[' ', fc.array(number, { minLength: 1, maxLength: 6 }).map((numbers) => numbers.join(' '))],
    ),
    fc.array(attributeLine, { maxLength: 8 }),
    fc.constantFrom('\r\n', '\n', '\r'),
  )
  .map(([origin, connection, media, attributes, end]) =>
    ['v=0', origin, 's=-', connection, 't=0 0', media, ...attributes, ''].join(end),
  );

const ownOffer: OwnOffer = {
  layout: audioAlone,
  codecs: (['PCMU', 'PCMA', 'opus'] as const).map((name) => ownCodec(name, new Set())!),
  events: { payloadType: 101, clockRateHz: 8000 },
  srtp: null,
};

describe('what FreeSWITCH is told of a carrier', () => {
  it('has one form only, whatever the carrier wrote; or the carrier is refused', () => {
    let taken = 0;
    fc.assert(
      fc.property(description, (text) => {
        for (const read of [
          () => readCarrierOffer(text, codecs, null),
          () => readCarrierAnswer(text, ownOffer),
        ]) {
          let terms;
          try {
            terms = read();
          } catch (error) {
            expect(error).toBeInstanceOf(MediaRefusal);
            continue;
          }
          taken += 1;
          expect(formatForFreeSwitch(terms, { sessionId: '42', version: 3 })).toMatch(allowed);
        }
      }),
      { numRuns: 3000 },
    );
    // Or the test says nothing.
    expect(taken).toBeGreaterThan(500);
  });
});
