import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamFramer, type StreamEvent } from './stream-framer.js';

const message = (body: string, eol = '\r\n', lengthField = 'Content-Length: ') =>
  ['OPTIONS sip:x SIP/2.0', 'Subject: s', `${lengthField}${Buffer.byteLength(body)}`, '', body].join(eol);

function texts(events: StreamEvent[]): string[] {
  return events.map((event) => (event.kind === 'message' ? event.bytes.toString() : event.kind));
}

describe('StreamFramer', () => {
  it('gives the same messages however the stream is cut', () => {
    const wanted = [
      message('v=0'),
      message(''),
      message('é\r\n\r\nnot a break', '\n'),
      message('x', '\r\n', 'l :\r\n '),
    ];
    const stream = Buffer.from(wanted.join('\r\n'));
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const framer = new StreamFramer(1_000);
        const events: StreamEvent[] = [];
        const ends = [...cuts, stream.length].sort((a, b) => a - b);
        let at = 0;
        for (const end of ends) {
          events.push(...framer.push(stream.subarray(at, end)));
          at = end;
        }
        expect(texts(events)).toEqual(wanted);
        expect(framer.isMidMessage).toBe(false);
      }),
    );
  });

  it('gives messages that later input does not overwrite', () => {
    const framer = new StreamFramer(1_000);
    const [a, b, c] = [message('aaaa'), message('bbbb'), message('cccc')];
    framer.push(Buffer.from(a.slice(0, 10)));
    const [first] = framer.push(Buffer.from(a.slice(10) + b.slice(0, 30)));
    const [second] = framer.push(Buffer.from(b.slice(30) + c.slice(0, 40)));
    framer.push(Buffer.from(c.slice(40)));
    expect(texts([first!, second!])).toEqual([a, b]);
  });

  it('takes CRLFCRLF for a ping, also in pieces, and a single CRLF for nothing', () => {
    const framer = new StreamFramer(1_000);
    expect(texts(framer.push(Buffer.from('\r\n\r\n')))).toEqual(['ping']);
    expect(texts(framer.push(Buffer.from('\r\n')))).toEqual([]);
    expect(texts(framer.push(Buffer.from('\r\n')))).toEqual(['ping']);
    expect(texts(framer.push(Buffer.from(`\r\n${message('')}\r\n`)))).toEqual([message('')]);
    expect(texts(framer.push(Buffer.from('\r\n'.repeat(50))))).toEqual(['ping']);
  });

  it('gives up where line breaks come in a flood, not where they come one by one', () => {
    const framer = new StreamFramer(1_000);
    for (let n = 0; n < 5000; n += 1) expect(texts(framer.push(Buffer.from('\r\n\r\n')))).toEqual(['ping']);
    expect(texts(framer.push(Buffer.from(`${'\r\n'.repeat(500)}${message('')}`)))).toEqual([
      ...['ping', message('')],
    ]);
    expect(texts(framer.push(Buffer.from('\r\n'.repeat(32_000))))).toEqual(['ping', 'broken']);
  });

  it.each([
    ['no Content-Length', 'OPTIONS sip:x SIP/2.0\r\nSubject: s\r\n\r\n', 'no usable Content-Length', 400],
    ['a negative one', 'OPTIONS sip:x SIP/2.0\r\nl: -1\r\n\r\n', 'no usable Content-Length', 400],
    [
      'one that only poses as a field',
      'OPTIONS sip:x SIP/2.0\r\nSubject: s\r\n Content-Length: 5\r\n\r\n',
      'no usable Content-Length',
      400,
    ],
    ['a body over the limit', 'OPTIONS sip:x SIP/2.0\r\nl: 999999999\r\n\r\n', 'message too large', 513],
    ['header fields without end', 'x'.repeat(1_001), 'header fields too large', 513],
  ])('gives up on %s', (_what, text, reason, status) => {
    const framer = new StreamFramer(1_000);
    expect(framer.push(Buffer.from(text))).toMatchObject([{ kind: 'broken', reason, status }]);
    expect(framer.push(Buffer.from(message('')))).toEqual([]);
    expect(framer.isMidMessage).toBe(false);
  });

  it('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), (chunks) => {
        const framer = new StreamFramer(200);
        for (const chunk of chunks) framer.push(Buffer.from(chunk));
      }),
    );
  });

  it('takes a large message byte by byte without quadratic work', () => {
    const framer = new StreamFramer(65_536);
    const bytes = Buffer.from(message('y'.repeat(60_000)));
    const started = performance.now();
    let count = 0;
    for (let at = 0; at < bytes.length; at += 1) count += framer.push(bytes.subarray(at, at + 1)).length;
    expect(count).toBe(1);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
