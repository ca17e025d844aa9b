import { describe, expect, it } from 'vitest';
import { createRedaction } from './redact-message.js';

const redact = createRedaction(['X-Landbridge-Token', 'X-PH-Token']);
const jwt = `${['{"alg":"HS256","typ":"JWT"}', '{"p":"8f14e45f","v":"v3","exp":1}'].map((part) => Buffer.from(part).toString('base64url')).join('.')}.c2lnbmF0dXJl`;
const code = '7K3Q9XWT2MBD';
const voiceCallId = 'ab'.repeat(20);

const hex = (text: string): string => Buffer.from(text).toString('hex');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function message(lines: readonly string[], { uri = 'sip:join@gw', body = '' } = {}): string {
  return [
    `INVITE ${uri} SIP/2.0`,
    'Via: SIP/2.0/UDP 192.0.2.5;branch=z9hG4bK8f14e45fceea',
    'From: <sip:+14155550100@a>;tag=8f14e45fceea',
    'To: <sip:join@gw>',
    'Call-ID: 8f14e45fceea@a',
    'CSeq: 1 INVITE',
    ...lines,
    '',
    body,
  ].join('\r\n');
}

function redacted(text: string): string {
  const bytes = Buffer.from(text);
  const result = redact(bytes);
  // All lengths stay true.
  expect(result).toHaveLength(bytes.length);
  return result.toString();
}

describe('What is kept of a SIP message', () => {
  it.each([
    ['in capitals', 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:c2VjcmV0c2VjcmV0'],
    ['of several in a line', 'a=crypto:1 x inline:b3RoZXI=|2^20|1:4;inline:c2VjcmV0c2VjcmV0|2^20|2:4'],
    ['with characters that no key has', 'a=crypto:1 x inline:!c2VjcmV0c2VjcmV0'],
    ['for error correction', 'a=crypto:1 x inline:b3RoZXI= FEC_KEY=inline:c2VjcmV0c2VjcmV0'],
    ['in a MIKEY message', 'a=key-mgmt:mikey c2VjcmV0c2VjcmV0'],
    ['in an old k= line', 'k=base64:c2VjcmV0c2VjcmV0'],
  ])('holds no key of media %s', (_how, line) => {
    const sdp = redacted(
      message(['Content-Type: application/sdp'], { body: `v=0\r\n${line}\r\na=sendrecv\r\n` }),
    );
    expect(sdp).not.toContain('c2VjcmV0c2VjcmV0');
    expect(sdp).toContain('\r\na=sendrecv');
  });

  it.each([
    ['User-to-User', [`User-to-User: ${jwt};encoding=jwt`]],
    ['several values', [`User-to-User: ${voiceCallId};encoding=base64,${jwt};encoding=jwt`]],
    ['hexadecimal digits', [`User-to-User: ${hex(jwt)};encoding=hex`]],
    ['a discriminator in front', [`User-to-User: 04${hex(jwt)};encoding=hex`]],
    ['base64', [`User-to-User: ${base64(jwt)};encoding=base64`]],
    ['percent encoding', [`User-to-User: ${jwt}%3Bencoding%3Djwt`]],
    ['a join code', [`User-to-User: ${code}`]],
    ['a join code in hexadecimal digits', [`User-to-User: ${hex(code)}`]],
    ['a continued line', ['User-to-User:', ` ${jwt};encoding=jwt`]],
    ['a token header', [`X-Landbridge-Token: ${jwt}`]],
    ['a token header with a code', ['X-PH-Token: 7K3Q-9XWT-2MBD']],
    ['another X- header', [`X-Foreign: a=${jwt}`]],
    ['another X- header with a code', [`X-Foreign: ${code}`]],
    ['another X- header, a code in base64', [`X-Foreign: v=${base64(code)}`]],
    ['another X- header, a token in base64 behind one byte', [`X-Foreign: ${base64(`\x04${jwt}`)}`]],
    ['another X- header, a token in base64 behind two bytes', [`X-Foreign: ${base64(`\x04\x01${jwt}`)}`]],
    ['another X- header, a code in hexadecimal digits', [`X-Foreign: ${hex(code)}`]],
    ['a parameter', [`Diversion: <sip:a@b>;note=${code}`]],
    ['headers in a URI', [`Refer-To: <sip:a@b?User-to-User=${code}&X=${jwt}>`]],
    ['a password', ['Contact: <sip:bob:7K3Q9XWT2MBD@192.0.2.5>']],
    ['a URI of a code', [`Route: <sip:${code}@gw;lr>`]],
  ])('holds no credential of %s', (_, lines) => {
    const text = redacted(message(lines));
    for (const secret of [
      jwt.slice(0, 30),
      jwt.slice(-11),
      code,
      '7K3Q-9XWT-2MBD',
      hex(code),
      base64(code).slice(0, 8),
    ])
      expect(text.toLowerCase()).not.toContain(secret.toLowerCase());
    for (const form of [hex(jwt), base64(jwt), base64(`\x04${jwt}`), base64(`\x04\x01${jwt}`)])
      expect(text).not.toContain(form.slice(8, 40));
  });

  it.each([
    `sip:${code}@gw`,
    'sip:7K3Q-9XWT-2MBD@gw',
    'sip:%37K3Q9XWT2MBD@gw',
    `sip:join@gw;token=${code}`,
    `sip:join@gw;token=${jwt}`,
  ])('holds no credential of the URI %s', (uri) => {
    const text = redacted(message([], { uri }));
    for (const secret of [code, '7K3Q-9XWT-2MBD', 'K3Q9XWT2MBD', jwt.slice(0, 20)])
      expect(text).not.toContain(secret);
  });

  it('holds no response to a digest challenge, and no password', () => {
    const text = redacted(
      message([
        'Authorization: Digest username="bob", nonce="n1", uri="sip:gw", response="0123456789abcdef", cnonce="c"',
        'Proxy-Authorization: Basic Ym9iOnNlY3JldA==',
        'Authentication-Info: rspauth="fedcba9876543210"',
      ]),
    );
    expect(text).toContain(
      'username="bob", nonce="n1", uri="sip:gw", response="****************", cnonce="c"',
    );
    for (const secret of ['Ym9iOnNlY3JldA', 'fedcba98']) expect(text).not.toContain(secret);
  });

  it('holds no keys of media and none that a caller presses', () => {
    const body =
      'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgew==\r\na=ice-pwd:abcdefghijkl\r\n';
    const sdp = redacted(message(['Content-Type: application/sdp'], { body }));
    for (const secret of ['WVNfX19', 'abcdefghijkl']) expect(sdp).not.toContain(secret);
    expect(sdp).toContain('a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***');
    // Names of attributes' values are read in any case here, and so they are hidden.
    const odd = body.replace('inline', 'INLINE');
    expect(redacted(message(['Content-Type: application/sdp'], { body: odd }))).not.toContain('WVNfX19');
    expect(
      redacted(message(['Content-Type: application/dtmf-relay'], { body: 'Signal=5\r\nDuration=160\r\n' })),
    ).toContain('Signal=*\r\nDuration=160');
    expect(redacted(message(['Content-Type: application/dtmf'], { body: '7' }))).toMatch(/\r\n\*$/);
  });

  it.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n'],
    ['application/dtmf-relay', 'Duration=160;Signal : 5'],
    ['application/vnd.nortelnetworks.digits', 'p=Digit-Collection\r\ny=Digits\r\nd=5'],
    ['audio/telephone-event', '\x0a\x0d\x0b\x05'],
    ['application/telephone-event', '5'],
    ['multipart/mixed;boundary=b', '--b\r\nContent-Type: application/dtmf\r\n\r\n5\r\n--b--\r\n'],
  ])('has nothing of the body of an INFO: %s %j', (type, body) => {
    const text = message([`Content-Type:\r\n ${type}`], { body }).replace('INVITE', 'INFO');
    expect(redacted(text)).toMatch(/\r\n\r\n\*+$/);
  });

  it('has no join code in a URI whose user goes on behind an escaped semicolon', () => {
    expect(redacted(message([], { uri: `sip:${code}%3Bphone-context=x@gw` }))).not.toContain(code);
  });

  it('has not what a carrier was told to call us by', () => {
    const user = `lb${'0123456789abcdef'.repeat(2)}`;
    const text = redacted(
      message([`Contact: <sip:${user}@192.0.2.1:5060>`], { uri: `sip:${user.toUpperCase()}@192.0.2.1` }),
    );
    expect(text).not.toMatch(/0123456789abcdef/i);
    expect(text).toContain('@192.0.2.1:5060>');
  });

  it('is all the rest: tags, branches, Call-ID, numbers, and the voice platform’s id', () => {
    const text = message([
      `User-to-User: ${voiceCallId};encoding=base64`,
      'Contact: <sip:a@192.0.2.5;transport=tcp>',
    ]);
    expect(redacted(text)).toBe(text);
  });

  it('is made in time that grows with its length alone, whatever it is', () => {
    for (const unit of [
      'eyJ',
      'a',
      'sip:',
      ';',
      '0',
      '65794a',
      '?a=',
      '\r\n ',
      'X-A: \r\n',
      'inline:',
      ';token=',
    ])
      expect(() => redact(Buffer.from(unit.repeat(Math.floor(65_000 / unit.length))))).not.toThrow();
  });
});
