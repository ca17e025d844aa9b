import { describe, expect, it } from 'vitest';
import { formatMessage } from './format-message.js';
import type { SipMessage } from './message.js';
import { parseMessage, type ParseLimits } from './parse-message.js';

/** A message of the given lines; `{}` replaces or (with undefined) removes the standard header fields. */
function request(
  overrides: Record<string, string | undefined> = {},
  extra: string[] = [],
  body = '',
): Buffer {
  const fields: Record<string, string | undefined> = {
    start: 'INVITE sip:bob@biloxi.example SIP/2.0',
    Via: 'SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa',
    'Max-Forwards': '70',
    To: '<sip:bob@biloxi.example>',
    From: '"Alice" <sip:alice@atlanta.example>;tag=1',
    'Call-ID': 'a84b4c76@192.0.2.1',
    CSeq: '1 INVITE',
    Contact: '<sip:alice@192.0.2.1:5070>',
    'Content-Length': String(Buffer.byteLength(body)),
    ...overrides,
  };
  const { start, ...rest } = fields;
  const lines = Object.entries(rest).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return Buffer.from([start, ...lines, ...extra, '', body].join('\r\n'));
}

function good(bytes: Buffer): SipMessage {
  const result = parseMessage(bytes);
  if (!result.ok) throw new Error(result.reason);
  return result.message;
}

function refused(bytes: Buffer, limits?: Partial<ParseLimits>) {
  const result = parseMessage(bytes, limits);
  if (result.ok) throw new Error('was accepted');
  return { reason: result.reason, status: result.status, answered: result.answerable !== undefined };
}

describe('what is unusual and must be taken', () => {
  it('reads folded, compact, listed and oddly spaced header fields', () => {
    const message = good(
      Buffer.from(
        [
          'INVITE sip:bob@biloxi.example;unknown SIP/2.0',
          'v:SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1,',
          ' SIP  /   2.0',
          '\t/ TCP   [2001:db8::9] : 5080 ;\tbranch  = z9hG4bK2 ;received="x"',
          'TO   :',
          ' sip:bob@biloxi.example ; tag    = 1918181833n',
          'f: "A, \\"B\\\\" <sip:alice@atlanta.example>;\r\n  tag\t=\t98asjd8',
          'MaX-fOrWaRdS:0068',
          'i: weird,(chars)"[]@host',
          'cseq: 0009',
          '  INVITE',
          'm: "Quoted" <sip:alice@192.0.2.1;lr>;q=0.7',
          'NewFangled:   value',
          ' continued',
          'Empty:',
          'l: 4',
          '',
          'v=0\nmore than stated',
        ]
          .join('\r\n')
          .replace('0068', '068'),
      ),
    );
    const { headers } = message;
    expect(headers.all('Via')).toEqual([
      'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
      'SIP  /   2.0 / TCP   [2001:db8::9] : 5080 ;\tbranch  = z9hG4bK2 ;received="x"',
    ]);
    expect(headers.get('newfangled')).toBe('value continued');
    expect(headers.get('Empty')).toBe('');
    expect(headers.get('CSeq')).toBe('0009 INVITE');
    expect(message.body.toString()).toBe('v=0\n');
    expect(good(formatMessage(message))).toEqual(message);
  });

  it.each([
    ['bare line feeds', Buffer.from(request().toString().replaceAll('\r\n', '\n'))],
    ['line breaks before the start line', Buffer.concat([Buffer.from('\r\n\r\n\n'), request()])],
    ['no Content-Length', request({ 'Content-Length': undefined })],
    ['no Max-Forwards', request({ 'Max-Forwards': undefined })],
    [
      'a method nobody knows',
      request({
        start: "!interesting-Method0*_%25`'~+. sip:a@b SIP/2.0",
        CSeq: "1 !interesting-Method0*_%25`'~+.",
      }),
    ],
    ['a scheme nobody knows', request({ start: 'INVITE soap.beep://192.0.2.103:3002 SIP/2.0' })],
    ['a tel Request-URI', request({ start: 'INVITE tel:+1-201-555-0123;phone-context=x SIP/2.0' })],
    [
      'escaped characters in the user part',
      request({ start: 'INVITE sip:%00%61%40;a?b/c@biloxi.example SIP/2.0' }),
    ],
    [
      'an IPv6 Request-URI and Via',
      request({
        start: 'INVITE sip:[2001:db8::10]:5070 SIP/2.0',
        Via: 'SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111',
      }),
    ],
    ['a Via of an unknown transport', request({ Via: 'SIP/2.0/UNKNOWN 192.0.2.1;branch=z9hG4bKb' })],
    ['a Via without a branch', request({ Via: 'SIP/2.0/UDP 192.0.2.1' })],
    ['From without a tag', request({ From: 'sip:alice@atlanta.example' })],
    [
      'a display name that should have been quoted',
      request({ From: "Alice (home) O'Neil/2 <sip:alice@atlanta.example>;tag=1" }),
    ],
    ['UTF-8 in a display name', request({ From: '"Ève Ω" <sip:eve@atlanta.example>;tag=1' })],
    ['a From URI of an unknown scheme', request({ From: '<isbn:2983792873>;tag=1' })],
    ['the largest CSeq', request({ CSeq: '2147483647 INVITE' })],
    [
      'a wildcard Contact',
      request({ start: 'REGISTER sip:biloxi.example SIP/2.0', CSeq: '1 REGISTER', Contact: '*' }),
    ],
    [
      'a field that must be there once, twice alike',
      request({}, ['i: a84b4c76@192.0.2.1', 'CSeq: 1 INVITE']),
    ],
    ['a Content-Length that is there twice', request({}, ['Content-Length: 0'])],
    ['stray semicolons', request({ Contact: '<sip:a@192.0.2.1:5070;;>;;q=1' })],
    ['a blank in the URI of From', request({ From: '<sip:John Doe@atlanta.example>;tag=1' })],
    ['a semicolon at the end', request({ From: '<sip:alice@atlanta.example>;tag=1;' })],
    ['a body with NUL bytes', request({}, [], 'a\0b')],
  ])('takes %s', (_what, bytes) => {
    const message = good(bytes);
    expect(good(formatMessage(message)).headers.get('Call-ID')).toBe('a84b4c76@192.0.2.1');
  });

  it.each(['SIP/2.0 200 ', 'SIP/2.0 200', 'SIP/2.0 200 = 2**3 * 5**2 но сто', 'sip/2.0 200 OK'])(
    'takes the status line %j',
    (start) => {
      expect(good(request({ start, Contact: undefined }))).toMatchObject({ kind: 'response', status: 200 });
    },
  );
});

describe('what is wrong and answered', () => {
  it.each([
    [
      'a request line with a blank in the URI',
      request({ start: 'INVITE sip:bob smith@biloxi.example SIP/2.0' }),
      'unreadable start line',
    ],
    [
      'two blanks in the request line',
      request({ start: 'INVITE  sip:bob@biloxi.example SIP/2.0' }),
      'unreadable start line',
    ],
    [
      'a Request-URI in brackets',
      request({ start: 'INVITE <sip:bob@biloxi.example> SIP/2.0' }),
      'malformed Request-URI',
    ],
    [
      'a Request-URI with port 0',
      request({ start: 'INVITE sip:bob@biloxi.example:0 SIP/2.0' }),
      'malformed Request-URI',
    ],
    [
      'a Request-URI with IPv6 without brackets',
      request({ start: 'INVITE sip:2001:db8::10 SIP/2.0' }),
      'malformed Request-URI',
    ],
    [
      'an IPv6 zone index',
      request({ start: 'INVITE sip:[fe80::1%25eth0] SIP/2.0' }),
      'malformed Request-URI',
    ],
    ['no To tag that can be read', request({ To: '"Mr. J. User <sip:j@b.example>' }), 'malformed To'],
    [
      'a From with a broken parameter',
      request({ From: '<sip:alice@atlanta.example>;;,tag=1' }),
      'malformed From',
    ],
    ['two From', request({}, ['f: <sip:other@atlanta.example>;tag=2']), 'more than one From'],
    ['two Call-ID', request({}, ['i: other']), 'more than one Call-ID'],
    ['two different Content-Length', request({}, ['Content-Length: 5']), 'more than one Content-Length'],
    ['a CSeq of 2³¹', request({ CSeq: '2147483648 INVITE' }), 'no usable CSeq'],
    ['a CSeq beyond every integer', request({ CSeq: '36893488147419103232 INVITE' }), 'no usable CSeq'],
    ['a CSeq of another method', request({ CSeq: '1 OPTIONS' }), 'CSeq of another method'],
    ['a method in another case than CSeq says', request({ CSeq: '1 invite' }), 'CSeq of another method'],
    ['Max-Forwards of 256', request({ 'Max-Forwards': '256' }), 'malformed Max-Forwards'],
    ['Max-Forwards that is no number', request({ 'Max-Forwards': 'many' }), 'malformed Max-Forwards'],
    ['a negative Content-Length', request({ 'Content-Length': '-999' }), 'malformed Content-Length'],
    [
      'a datagram shorter than it says',
      request({ 'Content-Length': '9999' }, [], 'v=0'),
      'shorter than its Content-Length',
    ],
    ['a Contact that is no URI', request({ Contact: '[sip:x@y]' }), 'malformed Contact'],
    ['an INVITE without Contact', request({ Contact: undefined }), 'an INVITE needs one SIP Contact'],
    [
      'an INVITE with two Contacts',
      request({ Contact: '<sip:a@192.0.2.1>, <sip:b@192.0.2.1>' }),
      'an INVITE needs one SIP Contact',
    ],
    [
      'an INVITE whose list of Contacts ends in a comma',
      request({ Contact: '<sip:a@192.0.2.1>,' }),
      'an INVITE needs one SIP Contact',
    ],
    ['an INVITE with Contact *', request({ Contact: '*' }), 'an INVITE needs one SIP Contact'],
    [
      'an INVITE whose Contact is a number',
      request({ Contact: '<tel:+1>' }),
      'an INVITE needs one SIP Contact',
    ],
    [
      'an INVITE whose Contact has no host',
      request({ Contact: '<sip:a@>' }),
      'an INVITE needs one SIP Contact',
    ],
    ['a Route that is no address', request({}, ['Route: <sip:a;lr>, nonsense']), 'malformed Route'],
    ['a Route with a blank in it', request({}, ['Route: <sip:a b@192.0.2.1;lr>']), 'malformed Route'],
    ['a Record-Route that is no address', request({}, ['Record-Route: nonsense']), 'malformed Record-Route'],
    ['a line without a colon', request({}, ['no colon here']), 'header field without a name'],
    ['a header name with a blank', request({}, ['Bad Name: x']), 'header field without a name'],
    ['a NUL in a header field', request({ Subject: 'a\0b' }), 'control character in the header fields'],
    [
      'a lone CR that hides a header field',
      request({ Subject: 'a\rContent-Length: 0' }),
      'control character in the header fields',
    ],
    ['a second Via that cannot be read', request({}, ['Via: SIP/2.0/UDP 192.0.2.15;;,;,,']), 'malformed Via'],
    ['no empty line', request().subarray(0, -2), 'no empty line'],
  ])('answers 400 to %s', (_what, bytes, reason) => {
    expect(refused(bytes)).toEqual({ reason, status: 400, answered: true });
  });

  it('answers 505 to another version', () => {
    expect(refused(request({ start: 'INVITE sip:bob@biloxi.example SIP/7.0' }))).toMatchObject({
      status: 505,
      answered: true,
    });
  });

  it('answers 513 to what is larger than the limit', () => {
    const bytes = request({}, [], 'x'.repeat(2_000));
    expect(refused(bytes, { maxMessageBytes: 1_500 })).toMatchObject({ status: 513, answered: true });
  });

  it('limits the number and the length of header fields', () => {
    expect(
      refused(
        request(
          {},
          Array.from({ length: 300 }, (_, n) => `X-${n}: y`),
        ),
      ).reason,
    ).toBe('too many header fields');
    expect(refused(request({ Subject: 'y'.repeat(9_000) })).reason).toBe('header field too long');
    expect(refused(request({ start: `INVITE sip:${'y'.repeat(9_000)}@b SIP/2.0` })).reason).toBe(
      'start line too long',
    );
  });
});

describe('what is dropped', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['line breaks only', Buffer.from('\r\n\r\n\r\n\r\n')],
    ['a STUN request', Buffer.from('000100002112a442b7e7a701bc34d686fa87dfae', 'hex')],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a request without Via', request({ Via: undefined })],
    ['a request whose Via is no Via', request({ Via: 'HTTP/1.1 192.0.2.1' })],
    [
      'a request whose Via has a NUL in its host',
      request({ Via: 'SIP/2.0/UDP 192.0.2.1\0.example;branch=z9hG4bKa' }),
    ],
    ['a request without From', request({ From: undefined })],
    ['a request without To', request({ To: undefined })],
    ['a request without Call-ID', request({ 'Call-ID': undefined })],
    ['a request without CSeq', request({ CSeq: undefined })],
    ['a malformed ACK', request({ start: 'ACK sip:bob@biloxi.example SIP/2.0' })],
    [
      'a response with an overlarge status',
      request({ start: 'SIP/2.0 4294967301 better not break the receiver' }),
    ],
    ['a response with status 000', request({ start: 'SIP/2.0 000 no' })],
    ['a malformed response', request({ start: 'SIP/2.0 200 OK', To: undefined })],
    ['a response shorter than it says', request({ start: 'SIP/2.0 200 OK', 'Content-Length': '5' })],
  ])('drops %s', (_what, bytes) => {
    expect(refused(bytes).answered).toBe(false);
  });
});
