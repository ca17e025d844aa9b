import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAnswerableContact, isUsableContact } from './contact.js';

describe('a Contact', () => {
  it.each([
    '<sip:caller@192.0.2.1:5070>',
    'sip:192.0.2.1',
    'sip:caller@phone.example;expires=60',
    '<sips:caller@[2001:db8::1]:5061;transport=tls;lr>;q=0.7;expires=3600',
    '"Ann \\"A\\" Smith" <sip:ann@example.com>',
    'Ann Smith <sip:ann@example.com>',
    '<sip:%C3%BC:secret@example.com;ob>;+sip.instance="<urn:uuid:0-0>";reg-id=1',
    '<sip:ab12cd34.invalid;transport=ws>;+sip.ice',
    '<sip:+15550100;phone-context=example.com@10.0.0.1;user=phone>',
    ' <sip:a@b?Subject=x&Priority=urgent> ',
  ])('may be %s', (contact) => {
    expect(isUsableContact(contact)).toBe(true);
  });

  it.each([
    [undefined],
    [''],
    ['*'],
    ['[sip:x@y]'],
    ['<[sip:x@y]>'],
    ['<>'],
    ['<sip:>'],
    ['<sip:@y>'],
    ['<sip:x@>'],
    ['<sip:x@y'],
    ['sip:x@y>'],
    ['x <sip:x@y'],
    ['"x <sip:x@y>'],
    ['<tel:+15550100>'],
    ['<http://example.com>'],
    ['<sip:x@y:0>'],
    ['<sip:x@y:65536>'],
    ['<sip:x@y:z>'],
    ['<sip:x@[::1>'],
    ['<sip:x@::1>'],
    ['<sip:x y@z>'],
    ['<sip:x%@y>'],
    ['<sip:x%zz@y>'],
    ['<sip:x@y>;'],
    ['<sip:x@y> z'],
    ['<sip:x@y>,<sip:a@b>'],
    ['<sip:x@y>\r\nEvil: 1'],
    ['<sip:x\u0000@y>'],
    ['<sip:ü@y>'],
    [`<sip:${'x'.repeat(3000)}@y>`],
  ])('is none: %j', (contact) => {
    expect(isUsableContact(contact)).toBe(false);
  });

  it('is told in no time, whatever a stranger writes', () => {
    const pieces = fc.constantFrom(
      '<',
      '>',
      '"',
      '\\',
      ';',
      ',',
      '=',
      'sip:',
      '@',
      '[',
      ']',
      ':',
      '%41',
      '?',
      ' ',
      'a',
      '1',
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(pieces, { maxLength: 600 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const started = performance.now();
        const isUsable = isUsableContact(text);
        expect(performance.now() - started).toBeLessThan(1000);
        // No control, no second one, and nothing but a SIP URI.
        if (isUsable) expect(text.trim()).toMatch(/^[^\u0000-\u0008\u000a-\u001f]*sips?:[^\u0000-\u001f]+$/i);
      }),
    );
  });

  it('is the same URI with any user, host and parameter that the grammar allows', () => {
    const user = fc.string({
      unit: fc.constantFrom(..."abcXYZ019-_.!~*'()&=+$,;?/", '%41'),
      minLength: 1,
      maxLength: 30,
    });
    const host = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((address) => `[${address}]`),
    );
    const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
    fc.assert(
      fc.property(user, host, port, (u, h, p) => {
        const uri = `sip:${u}@${h}${p === undefined ? '' : `:${p}`}`;
        expect(isUsableContact(`<${uri};transport=udp>;expires=5`)).toBe(true);
      }),
    );
  });

  it.each([
    '*',
    '[sip:x@y]',
    '<[sip:x@y]>',
    '<tel:+1>',
    '*,<sip:a@b>',
    '<http://a>',
    '<>',
    'x',
    '"sip:a@b" <tel:1>',
    '"" *',
    'sip:',
    '<sip:@>',
  ])('that is %s must not be answered through a drachtio-server', (contact) => {
    expect(isAnswerableContact(contact)).toBe(false);
  });

  it.each([
    undefined,
    '',
    '<sip:a@b',
    'sip:a@b>',
    '<sip:a@b>,<sip:c@d>',
    '"A" <sip:a@b:99999>',
    'A <sip:b>',
    '<sip:[::1>',
  ])('that is %s may be, if only with a refusal', (contact) => {
    expect(isAnswerableContact(contact)).toBe(true);
  });

  it('that is usable can always be answered', () => {
    const text = fc.constantFrom('<', '>', '"', ';', 'sip:', '@', '[::1]', ':5060', 'a', ' ');
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 12 }).map((all) => all.join('')),
        (contact) => {
          if (isUsableContact(contact)) expect(isAnswerableContact(contact)).toBe(true);
        },
      ),
    );
  });
});
