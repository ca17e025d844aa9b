import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, encodeText, readableText } from './text.js';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('The text of a head', () => {
  it('is UTF-8, and what is none is read as Latin-1, line by line', () => {
    const bytes = Buffer.concat([
      Buffer.from('Subject: Köln 日本 🙂\r\n'),
      latin1('From: "Jörg Müller"\r\n'),
    ]);
    expect(readableText(decodeText(bytes))).toBe('Subject: Köln 日本 🙂\r\nFrom: "Jörg Müller"\r\n');
    expect(decodeText(Buffer.from('Zoë 🙂'))).toBe('Zoë 🙂');
  });

  it('goes back as the bytes that came, also beside what was added', () => {
    const field = decodeText(latin1('"J\xf6rg" <sip:j@example.com>'));
    expect(encodeText(`To: ${field};tag=Ä🙂`)).toEqual(
      Buffer.concat([latin1('To: "J\xf6rg" <sip:j@example.com>'), Buffer.from(';tag=Ä🙂')]),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect([...encodeText(decodeText(Buffer.from(bytes)))]).toEqual([...bytes]);
      }),
    );
  });
});
