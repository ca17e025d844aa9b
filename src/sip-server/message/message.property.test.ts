import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCSeq, parseCSeq } from './cseq.js';
import { formatMessage } from './format-message.js';
import { HeaderFields } from './header-fields.js';
import { formatHostPort, parseHostPort } from './host-port.js';
import { formatNameAddr, parseNameAddr } from './name-addr.js';
import { formatParameters, parseParameters, splitCommas } from './parameters.js';
import { parseMessage } from './parse-message.js';
import { formatUri, parseUri } from './uri.js';
import { formatVia, parseVia } from './via.js';

const token = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,12}$/);
const name = token.map((text) => text.toLowerCase());
// Printable, without line breaks and NUL, which no header field can hold.
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => !/[\r\n\0]/.test(value));
const params = fc
  .uniqueArray(fc.tuple(name, fc.option(text, { nil: undefined })), {
    selector: ([key]) => key,
    maxLength: 4,
  })
  .map((pairs) => new Map(pairs));
const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
const user = fc.stringMatching(/^[A-Za-z0-9\-_.!~*'()&=+$,;?/%]{1,12}$/);
const uriValue = fc.stringMatching(/^[A-Za-z0-9\-_.!~*'()[\]/:+$%]{1,12}$/);

function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}

describe('what is written is read back the same', () => {
  it('for URIs', () => {
    const uri = fc.record({
      scheme: fc.constantFrom('sip' as const, 'sips' as const),
      user,
      password: fc.option(
        uriValue.filter((value) => !value.includes('@')),
        { nil: undefined },
      ),
      host,
      port,
      params: fc
        .uniqueArray(
          fc.tuple(fc.stringMatching(/^[a-z0-9\-_.!~*'()]{1,8}$/), fc.option(uriValue, { nil: undefined })),
          {
            selector: ([key]) => key,
          },
        )
        .map((pairs) => new Map(pairs)),
      headers: fc
        .array(fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,8}$/), uriValue))
        .map((pairs) => new Map(pairs)),
    });
    fc.assert(
      fc.property(uri, (value) => {
        const made = defined(value) as Parameters<typeof formatUri>[0];
        expect(parseUri(formatUri(made))).toEqual(made);
      }),
    );
  });

  it('for addresses', () => {
    const displayName = fc.option(
      text.filter((value) => value !== ''),
      { nil: undefined },
    );
    fc.assert(
      fc.property(displayName, params, (label, parameters) => {
        const made = {
          ...(label === undefined ? {} : { displayName: label }),
          uri: 'sip:a@b;lr',
          params: parameters,
        };
        const written = formatNameAddr(made);
        expect(parseNameAddr(written)).toEqual(made);
        expect(splitCommas(`${written}, ${written}`)).toEqual([written, written]);
      }),
    );
  });

  it('for Via', () => {
    fc.assert(
      fc.property(token, host, port, params, (transport, sentBy, sentPort, parameters) => {
        const made = defined({
          transport: transport.toUpperCase(),
          host: sentBy,
          port: sentPort,
          params: parameters,
        });
        expect(parseVia(formatVia(made as Parameters<typeof formatVia>[0]))).toEqual(made);
      }),
    );
  });

  it('for CSeq', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), token, (number, method) => {
        expect(parseCSeq(formatCSeq({ number, method }))).toEqual({ number, method });
      }),
    );
  });

  it('for hosts with ports', () => {
    fc.assert(
      fc.property(host, port, (made, number) => {
        expect(parseHostPort(formatHostPort(made, number))).toEqual(defined({ host: made, port: number }));
      }),
    );
  });

  it('for parameters', () => {
    fc.assert(
      fc.property(params, (made) => {
        expect(parseParameters(formatParameters(made))).toEqual(made);
      }),
    );
  });

  it('for whole messages', () => {
    const field = fc.tuple(
      token.filter((value) => value.length > 1).map((value) => `X-${value}`),
      text.map((value) => value.trim()),
    );
    fc.assert(
      fc.property(fc.array(field, { maxLength: 30 }), fc.uint8Array({ maxLength: 200 }), (fields, body) => {
        const headers = new HeaderFields([
          ['Via', 'SIP/2.0/TCP h;branch=z9hG4bK1'],
          ['From', '<sip:a@b>;tag=1'],
          ['To', '<sip:b@b>'],
          ['Call-ID', 'c'],
          ['CSeq', '1 OPTIONS'],
          ...fields,
        ]);
        const bytes = formatMessage({
          kind: 'request',
          method: 'OPTIONS',
          uri: 'sip:b',
          headers,
          body: Buffer.from(body),
        });
        const result = parseMessage(bytes);
        if (!result.ok) throw new Error(result.reason);
        expect(formatMessage(result.message).equals(bytes)).toBe(true);
        expect(result.message.body.equals(Buffer.from(body))).toBe(true);
      }),
    );
  });
});

const seed = Buffer.from(
  'INVITE sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/TCP x\r\nTo: <sip:b@b>\r\n' +
    'From: "A, \\"B" <sip:a@a>;tag=1\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:a@192.0.2.1>\r\nContent-Length: 3\r\n\r\nv=0',
);

describe('nothing that comes in throws', () => {
  it('not random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void parseMessage(Buffer.from(bytes))),
    );
  });

  it('not a good message with bytes changed, cut out or put in, and what is answerable can be written', () => {
    const edit = fc.tuple(fc.nat(seed.length - 1), fc.nat(4), fc.uint8Array({ maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
        let bytes = seed;
        for (const [at, cut, put] of edits)
          bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
        const result = parseMessage(bytes);
        if (result.ok) formatMessage(result.message);
        else if (result.answerable) formatMessage(result.answerable);
      }),
      { numRuns: 2_000 },
    );
  });

  it('not random text given to the readers of values, and none of them takes long', () => {
    const nasty = fc.string({
      unit: fc.constantFrom(
        '"',
        '\\',
        '<',
        '>',
        ';',
        ',',
        '=',
        ' ',
        '\t',
        ':',
        '@',
        '[',
        ']',
        'a',
        '1',
        'sip:',
        '/',
      ),
      maxLength: 400,
    });
    fc.assert(
      fc.property(nasty, (value) => {
        parseNameAddr(value);
        parseUri(value);
        parseVia(value);
        parseVia(`SIP/2.0/UDP ${value}`);
        splitCommas(value);
      }),
      { numRuns: 1_000 },
    );
    const started = performance.now();
    for (const unit of [' ', 'SIP/2.0/UDP ', '"', '\\', ';a', '<', 'a:', '\t ', 'SIP/ ']) {
      const long = unit.repeat(Math.floor(8_192 / unit.length));
      for (const value of [long, `SIP/2.0/UDP a${long}!`, `"${long}`, `sip:${long}`]) {
        parseNameAddr(value);
        parseUri(value);
        parseVia(value);
        splitCommas(value);
      }
    }
    for (const line of [`INVITE a${' '.repeat(60_000)}x`, `INVITE${' '.repeat(60_000)}SIP/2.0`]) {
      parseMessage(Buffer.from(`${line}\r\nVia: SIP/2.0/UDP a${' '.repeat(8_000)}!\r\n\r\n`));
    }
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
