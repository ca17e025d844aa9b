import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundaryOf, parseMultipart } from './multipart.js';
import { descriptionIn, guardBody, type WithBody } from './session-body.js';

const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n';
const location = '<presence xmlns="urn:ietf:params:xml:ns:pidf"/>\r\n';

function message(body: string, headers: Record<string, string> = {}): WithBody {
  return { body, get: (name) => headers[name] };
}

const part = (content: string, ...headers: string[]): string => `${headers.join('\r\n')}\r\n\r\n${content}`;
const sdpPart = part(sdp, 'Content-Type: application/sdp');
const isup = part('\u0001\u0000I', 'Content-Type: application/isup; version=itu-t92+; base=itu-t92+');

function multipart(parts: readonly string[], type = 'multipart/mixed', headers: Record<string, string> = {}) {
  const body = `${parts.map((text) => `--unique-1\r\n${text}`).join('\r\n')}\r\n--unique-1--\r\n`;
  return message(body, { 'Content-Type': `${type};boundary=unique-1`, ...headers });
}

const withHeader = (text: string, header: string): string =>
  text.replace('\r\n\r\n', `\r\n${header}\r\n\r\n`);

describe('the session description in a body', () => {
  it.each([
    ['alone', message(sdp, { 'Content-Type': 'application/sdp' })],
    [
      'alone, its type in capitals and with a parameter',
      message(sdp, { 'Content-Type': 'Application/SDP ; x=y' }),
    ],
    ['alone, without a type', message(sdp)],
    ['alone, its type twice', message(sdp, { 'Content-Type': 'application/sdp, application/sdp' })],
    ['alone, with blanks about its type’s slash', message(sdp, { 'Content-Type': 'application / sdp' })],
    [
      'beside ISUP, with blanks in the types',
      multipart([isup, sdpPart.replace('n/s', 'n /\ts')], 'multipart / mixed '),
    ],
    ['beside ISUP', multipart([isup, sdpPart])],
    ['before ISUP', multipart([sdpPart, isup])],
    [
      'beside a location',
      multipart([part(location, 'Content-Type: application/pidf+xml', 'Content-ID: <a@b>'), sdpPart]),
    ],
    [
      'beside ISUP that need not be understood',
      multipart([withHeader(isup, 'Content-Disposition: signal;handling=optional'), sdpPart]),
    ],
    ['beside what says nothing of its type', multipart([part('hello'), sdpPart])],
    [
      'in a multipart within another',
      multipart([
        isup,
        part(
          multipart([sdpPart]).body?.replaceAll('unique-1', 'inner') ?? '',
          'Content-Type: multipart/alternative;boundary="inner"',
        ),
      ]),
    ],
    ['as the root of a multipart/related', multipart([sdpPart, isup], 'multipart/related')],
    [
      'under header names in small letters, folded',
      multipart([part(sdp, 'content-type:', '\tapplication/sdp')]),
    ],
    [
      'in base64',
      multipart([
        part(
          Buffer.from(sdp).toString('base64'),
          'Content-Type: application/sdp',
          'Content-Transfer-Encoding: base64',
        ),
      ]),
    ],
    [
      'as quoted-printable, its lines broken',
      multipart([
        part(
          sdp.replaceAll('=', '=3D').replace('IN IP4', 'IN =\r\nIP4'),
          'Content-Type: application/sdp',
          'Content-Transfer-Encoding: Quoted-Printable',
        ),
      ]),
    ],
    [
      'in eight bits, as its sender says',
      multipart([withHeader(sdpPart, 'Content-Transfer-Encoding: 8bit')]),
    ],
    [
      'beside a picture of who calls',
      multipart([
        withHeader(part('\u00ff\u00d8', 'Content-Type: image/jpeg'), 'Content-Disposition: icon'),
        sdpPart,
      ]),
    ],
    [
      'with its disposition',
      multipart([withHeader(sdpPart, 'Content-Disposition: session;handling=required'), isup]),
    ],
    [
      'beside that of an early session',
      multipart([withHeader(sdpPart.replace('IP4', 'IP6'), 'Content-Disposition: early-session'), sdpPart]),
    ],
  ])('is found %s', (_, body) => {
    expect(descriptionIn(body)?.trimEnd()).toBe(sdp.trimEnd());
    expect(guardBody(body)).toBeNull();
  });

  it('as quoted-printable keeps what is beyond ASCII, and what is no escape', () => {
    const header = ['Content-Type: application/sdp', 'Content-Transfer-Encoding: quoted-printable'];
    const read = (text: string) => descriptionIn(multipart([part(text, ...header)]));
    expect(read('s=3Dcaf=C3=A9')).toBe('s=café');
    expect(read('s=3D\u20ac=3D')).toBe('s=\u20ac=');
    expect(read('s=ZZ= x')).toBe('s=ZZ= x');
  });

  it('is the last of alternatives that is one', () => {
    const other = sdpPart.replace('o=- 1', 'o=- 2');
    expect(descriptionIn(multipart([other, sdpPart, isup], 'multipart/alternative'))).toBe(sdp);
    expect(descriptionIn(multipart([other, sdpPart]))).toContain('o=- 2');
  });

  it.each([
    ['a quoted boundary with blanks in it', '--a b\r\n', '\r\n--a b--', '"a b"'],
    ['a quote in its boundary', '--x"y\r\n', '\r\n--x"y--', '"x\\"y"'],
    ['line feeds alone', '--x\n', '\n--x--\n', 'x'],
    [
      'something before the first part and behind the last',
      'This is MIME.\r\n--x\r\n',
      '\r\n--x--\r\nbye',
      'x',
    ],
    ['blanks behind the delimiters', '--x \t\r\n', '\r\n--x-- \r\n', 'x'],
    ['no last delimiter', '--x\r\n', '', 'x'],
    ['a line that begins like a delimiter', '--xy\r\n--x\r\n', '\r\n--x--', 'x'],
  ])('is found in a multipart with %s', (_, before, behind, boundary) => {
    const text = `${before}${sdpPart}${behind}`;
    const body = message(text, { 'Content-Type': `multipart/mixed; boundary=${boundary}` });
    expect(descriptionIn(body)?.trimEnd()).toBe(sdp.trimEnd());
    // What looks like a boundary in the value of another parameter is none.
    const type = `multipart/related;start="<a;boundary=y>" ; Boundary = ${boundary};type="b;boundary=z"`;
    expect(descriptionIn(message(text, { 'Content-Type': type }))?.trimEnd()).toBe(sdp.trimEnd());
  });

  it.each([
    ['nothing', message('')],
    ['a line end', message('\r\n')],
    [
      'ISUP that need not be understood',
      message('x', { 'Content-Type': 'application/isup', 'Content-Disposition': 'signal;handling=optional' }),
    ],
    [
      'parts that need not be understood',
      multipart([withHeader(isup, 'Content-Disposition: signal; handling="optional"')]),
    ],
  ])('is missing, and nothing is refused, where a body is %s', (_, body) => {
    expect(descriptionIn(body)).toBeNull();
    expect(guardBody(body)).toBeNull();
  });
});

describe('a body without session description', () => {
  it.each([
    ['ISUP', message('x', { 'Content-Type': 'application/isup' })],
    ['text', message('hello', { 'Content-Type': 'text/plain' })],
    ['parts without one', multipart([isup, part(location, 'Content-Type: application/pidf+xml')])],
    ['a multipart without boundary', message(sdp, { 'Content-Type': 'multipart/mixed' })],
    ['a multipart of nothing', message('hello', { 'Content-Type': 'multipart/mixed;boundary=x' })],
    [
      'multiparts without end',
      message('--x\r\nContent-Type: multipart/mixed;boundary=x\r\n\r\n--x\r\n', {
        'Content-Type': 'multipart/mixed;boundary=x',
      }),
    ],
  ])('is refused with 415, which says what is understood: %s', (_, body) => {
    expect(guardBody(body)).toEqual({
      status: 415,
      reason: 'unsupported-body',
      headers: { Accept: 'application/sdp, multipart/mixed' },
    });
  });

  it('is refused where a part must be understood and is not, for its sender says so', () => {
    const demanded = multipart([sdpPart, withHeader(isup, 'Content-Disposition: signal;handling=required')]);
    expect(guardBody(demanded)).toMatchObject({ status: 415 });
    // An ACK cannot be refused.
    expect(descriptionIn(demanded)).toBe(sdp);
  });

  it('is refused where it is compressed, with what it may be', () => {
    for (const name of ['Content-Encoding', 'e']) {
      const zipped = message('x', { 'Content-Type': 'application/sdp', [name]: 'gzip' });
      expect(guardBody(zipped)).toMatchObject({ status: 415, headers: { 'Accept-Encoding': 'identity' } });
    }
    expect(
      guardBody(message(sdp, { 'Content-Type': 'application/sdp', 'Content-Encoding': 'identity' })),
    ).toBeNull();
  });
});

describe('a multipart', () => {
  it('is cut without an error and in proportion to its length, whatever it is', () => {
    const piece = fc.constantFrom(
      '--x',
      '--x--',
      '\r\n',
      '\n',
      ' ',
      'Content-Type: application/sdp',
      'v=0',
      '--',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const body = pieces.join('');
        const parts = parseMultipart(body, 'x');
        expect(parts.reduce((sum, { content }) => sum + content.length, 0)).toBeLessThanOrEqual(body.length);
      }),
    );
    expect(parseMultipart('--x\r\n\r\n'.repeat(8000), 'x')).toHaveLength(32);
  });

  it('has the boundary that its type names', () => {
    expect(boundaryOf('multipart/mixed; charset=x; Boundary = "a;b" ')).toBe('a;b');
    expect(boundaryOf('multipart/mixed;boundary=""')).toBeNull();
    expect(boundaryOf(`multipart/mixed;boundary=${'x'.repeat(300)}`)).toBeNull();
  });
});
