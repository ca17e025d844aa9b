import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseUserToUser, readUserToUser } from './user-to-user.js';

const jwt = `eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.${'eyJwIjoi'.repeat(12)}.c2lnbmF0dXJl-_X`;
const voiceCallId = 'c15ac29f1b2d4e7aa9a31c15ac29f1b2d4e7aa9a';
const hex = (text: string) => Buffer.from(text).toString('hex');
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('User-to-User', () => {
  it('as Bandwidth’s transfer writes it shows the token and keeps the voice call id', () => {
    expect(readUserToUser(`${voiceCallId};encoding=base64,${jwt};encoding=jwt`)).toEqual({
      texts: [jwt],
      labelled: [jwt],
      voiceCallId,
    });
  });

  it.each([
    ['labelled jwt', `${jwt};encoding=jwt`],
    ['labelled JWT in capitals with spaces about', ` ${jwt} ; Encoding = JWT `],
    ['with the encoding in quotes', `${jwt};encoding="jwt"`],
    ['in quotes', `"${jwt}";encoding=jwt`],
    ['in base64', `${base64(jwt)};encoding=base64`],
    ['in base64 without padding', `${base64(jwt).replaceAll('=', '')};encoding=base64`],
    ['in base64url', `${Buffer.from(jwt).toString('base64url')};encoding=base64`],
    ['in hex', `${hex(jwt)};encoding=hex`],
    ['in hex in capitals', `${hex(jwt).toUpperCase()};encoding=HEX`],
    ['in hex, the RFC’s default, without a label', hex(jwt)],
    ['without a label', jwt],
    ['labelled with another encoding by mistake', `${jwt};encoding=base64`],
    ['with further parameters', `${jwt};purpose=isdn-uui;encoding=jwt;content=app`],
    ['percent-encoded as a whole', encodeURIComponent(`${jwt};encoding=jwt`)],
    ['behind an empty value', `,,${jwt};encoding=jwt`],
    ['behind a value that cannot be one', `0102ff;encoding=hex,${jwt};encoding=jwt`],
    ['twice, as from a field that was duplicated', `${jwt};encoding=jwt, ${jwt};encoding=jwt`],
  ])('shows a token %s', (_, header) => {
    expect(readUserToUser(header).texts[0]).toBe(jwt);
  });

  it('shows two tokens in their order', () => {
    expect(readUserToUser(`a.b.c;encoding=jwt,${jwt};encoding=jwt`).texts).toEqual(['a.b.c', jwt]);
  });

  it('finds the voice call id in any place, in lower case, once', () => {
    const second = voiceCallId.replaceAll('c', 'd');
    const header = `${jwt};encoding=jwt,${voiceCallId.toUpperCase()},${second};encoding=base64`;
    expect(readUserToUser(header)).toMatchObject({ voiceCallId });
    expect(readUserToUser(header).texts[0]).toBe(jwt);
  });

  it('does not take 40 hex digits that are labelled jwt for a voice call id', () => {
    expect(readUserToUser(`${voiceCallId};encoding=jwt`)).toEqual({
      texts: [voiceCallId],
      labelled: [voiceCallId],
      voiceCallId: null,
    });
  });

  it('shows a join code in every encoding', () => {
    const code = 'ABCD2345EFGH';
    for (const header of [code, `${hex(code)};encoding=hex`, hex(code), `${base64(code)};encoding=base64`]) {
      expect(readUserToUser(header).texts[0]).toBe(code);
    }
  });

  it('does not take an unlabelled join code that begins with hex digits for hex', () => {
    expect(readUserToUser('2345HJKMNPQR').texts).toEqual(['2345HJKMNPQR']);
  });

  it.each([
    ['that names IA5 text (04)', '04', ''],
    ['of the user’s own (00)', '00', ''],
    ['and line ends behind', '04', '0d0a'],
    ['and padded with NUL', '00', '000000'],
    ['of the user’s own, padded before', '0000', ''],
    ['of a national use (40 is text)', '1e', '20'],
    ['of X.244 (01), with a tab behind', '01', '09'],
  ])('shows what stands behind a protocol discriminator %s, whatever the base', (_, before, after) => {
    for (const text of ['ABCD2345EFGH', jwt]) {
      const octets = before + hex(text) + after;
      for (const header of [
        octets,
        `${octets};encoding=hex`,
        `${octets.toUpperCase()};pd=${before};encoding=hex`,
      ]) {
        expect(readUserToUser(header).texts[0]).toBe(text);
      }
      const header = `${Buffer.from(octets, 'hex').toString('base64')};encoding=base64`;
      expect(readUserToUser(header).texts).toEqual([text]);
    }
  });

  it('shows the texts in a PBX’s elements behind the discriminator', () => {
    const ucid = 'fa080001000200030004';
    const own = 'c80c' + hex('ABCD2345EFGH');
    for (const octets of [`04${own}${ucid}`, `00${ucid}${own}`])
      expect(readUserToUser(`${octets};encoding=hex`).texts).toEqual(['ABCD2345EFGH']);
  });

  it.each([
    ['nothing', ''],
    ['commas', ',,,'],
    ['semicolons', ';;;encoding=jwt'],
    ['binary', '00ff;encoding=hex'],
    ['broken hex', '4a4;encoding=hex'],
    ['a discriminator alone', '04;encoding=hex'],
    ['elements that end too early', '04c80c4142;encoding=hex'],
    ['binary in base64', 'AP8=;encoding=base64'],
    ['more than 8 kB', `${'a'.repeat(8192)}.b.c;encoding=jwt`],
  ])('with %s shows nothing', (_, header) => {
    expect(readUserToUser(header)).toEqual({ texts: [], labelled: [], voiceCallId: null });
  });

  it('keeps commas, semicolons and escaped quotes inside quotes together', () => {
    expect(parseUserToUser(String.raw`"a,b;c\"d";encoding="x;y", e`)).toEqual([
      { value: 'a,b;c"d', encoding: 'x;y' },
      { value: 'e', encoding: null },
    ]);
  });

  it('is read up to 8 kB', () => {
    const long = `${'a'.repeat(8192 - '.b;encoding=jwt'.length)}.b`;
    expect(readUserToUser(`${long};encoding=jwt`).texts).toEqual([long]);
  });

  it('never throws, and never shows what is not printable ASCII out of hex or base64', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc
        .array(
          fc.constantFrom(
            ',',
            ';',
            '"',
            '\\',
            '=',
            '%',
            '%3B',
            'encoding',
            'jwt',
            'hex',
            '00',
            'a.b',
            ' ',
            '\u{1f600}',
          ),
          { maxLength: 40 },
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(fc.property(anything, (header) => void readUserToUser(header)));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.constantFrom('hex', 'base64'), (bytes, encoding) => {
        const value = Buffer.from(bytes).toString(encoding);
        const { texts } = readUserToUser(`${value};encoding=${encoding}`);
        for (const text of texts) expect(text).toMatch(/^[\x21-\x7e]+$/);
      }),
    );
  });
});
