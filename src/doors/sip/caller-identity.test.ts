import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallerIdentity } from '../../domain/trunks/trunk.js';
import { claimedCaller, readCaller } from './caller-identity.js';

function callerOf(headers: Readonly<Record<string, string>>) {
  return readCaller({ get: (name) => headers[name] });
}

describe('the caller of an INVITE', () => {
  it.each([
    [
      'a name and a number',
      '"Ann Smith" <sip:+15551230142@carrier.example>;tag=1',
      '+15551230142',
      'Ann Smith',
    ],
    ['an unquoted name', 'Ann Smith <sip:0142@carrier.example>', '0142', 'Ann Smith'],
    ['no name', '<sip:+15551230142@carrier.example;user=phone>;tag=1', '+15551230142', null],
    ['no brackets', 'sip:+15551230142@carrier.example;tag=1', '+15551230142', null],
    ['a tel URI', '<tel:+1-555-123-0142;phone-context=x>', '+15551230142', null],
    ['visual separators', '<sip:(555)123.0142@h>', '5551230142', null],
    ['parameters in the user part', '<sip:+15551230142;npdi@h>', '+15551230142', null],
    [
      'a quoted name with a comma, quotes and brackets',
      '"Smith, \\"Ann\\" <x>" <sip:1@h>',
      '1',
      'Smith, "Ann" <x>',
    ],
    ['no number', '"Ann" <sip:ann@h>', null, 'Ann'],
    ['an escaped number', '<sip:%2B15551230142@h>', '+15551230142', null],
  ])('is read from a From with %s', (_, from, number, name) => {
    expect(callerOf({ From: from })).toEqual({ number, name });
  });

  const From = '"Somebody" <sip:anybody@h>;tag=1';
  const ann = { number: '+15551230142', name: 'Ann' };
  it.each([
    ['P-Preferred-Identity alone', { 'P-Preferred-Identity': '"Ann" <sip:+15551230142@h>' }, ann],
    [
      'Remote-Party-ID alone',
      { 'Remote-Party-ID': '"Ann" <sip:+15551230142@h>;party=calling;screen=yes;privacy=off' },
      ann,
    ],
    ['Remote-Party-ID without parameters', { 'Remote-Party-ID': '"Ann" <sip:+15551230142@h>' }, ann],
    [
      'Remote-Party-ID, of which only that of the caller counts',
      { 'Remote-Party-ID': '"Bob" <sip:+1999@h>;party=called, "Ann" <sip:+15551230142@h>;Party=Calling' },
      ann,
    ],
    [
      'Remote-Party-ID of who is called, and From',
      { 'Remote-Party-ID': '<sip:+1999@h>;party=called' },
      { number: null, name: 'Somebody' },
    ],
    [
      'the asserted identity before the others',
      {
        'P-Asserted-Identity': '"Ann" <sip:+15551230142@h>',
        'P-Preferred-Identity': '<sip:+1999@h>',
        'Remote-Party-ID': '<sip:+1998@h>;party=calling',
      },
      ann,
    ],
    [
      'Remote-Party-ID before what the caller would like',
      { 'Remote-Party-ID': '"Ann" <sip:+15551230142@h>', 'P-Preferred-Identity': '<sip:+1999@h>' },
      ann,
    ],
  ])('is read from %s', (_, headers, expected) => {
    expect(callerOf({ From, ...headers })).toEqual(expected);
  });

  it.each([
    ['all', 'full', null],
    ['all, in capitals and quotes', '"FULL"', null],
    ['all, by the network', 'full-network', null],
    ['all, in a list', '"name,full"', null],
    ['name and number', 'name-uri', null],
    ['the number, as the network wants it', 'uri-network', { number: null, name: 'Ann' }],
    ['the name', 'name', { number: '+15551230142', name: null }],
    ['the number', 'uri', { number: null, name: 'Ann' }],
    ['nothing', 'off', ann],
  ])(
    'who hides %s in Remote-Party-ID is hidden so, whatever other headers say: %s',
    (_, privacy, expected) => {
      const hiding = {
        'Remote-Party-ID': `"Ann" <sip:+15551230142@h>;party=calling;privacy=${privacy};screen=no`,
      };
      expect(callerOf({ From, ...hiding })).toEqual(expected);
      const asserted = { 'P-Asserted-Identity': '"Ann" <sip:+15551230142@h>' };
      expect(callerOf({ From, ...hiding, ...asserted })).toEqual(expected);
    },
  );

  it.each([
    'screen="x;privacy=off";privacy=full',
    'screen=";party=called";privacy=full;party=calling',
    'note="a;privacy=\\"off\\"" ; PRIVACY = "Full"',
  ])('who hides is hidden, whatever another parameter’s value looks like: %s', (parameters) => {
    expect(callerOf({ From, 'Remote-Party-ID': `"Ann" <sip:+15551230142@h>;${parameters}` })).toBeNull();
  });

  // Its number was lost, for what stood before the comma was taken for an address.
  it.each([
    ['Doe, John <sip:+15551230142@h>;tag=1', '+15551230142', 'Doe, John'],
    ['Doe, John, PhD  <tel:+15551230142>', '+15551230142', 'Doe, John, PhD'],
    ['Doe\\, John <sip:+15551230142@h>', '+15551230142', 'Doe\\, John'],
  ])('has a comma in a name without quotes: %s', (field, number, name) => {
    expect(callerOf({ From: field })).toEqual({ number, name });
    const two = `${field.replace(';tag=1', '')}, <tel:+15559990000>`;
    expect(callerOf({ From, 'P-Asserted-Identity': two })).toEqual({ number, name });
  });

  it('is the asserted identity rather than what the caller wrote himself', () => {
    const From = '"Somebody" <sip:+19990000000@h>;tag=1';
    expect(callerOf({ From, 'P-Asserted-Identity': '"Ann" <sip:+15551230142@carrier.example>' })).toEqual({
      number: '+15551230142',
      name: 'Ann',
    });
    const two = '"Ann" <sip:ann@carrier.example>, <tel:+15551230142>';
    expect(callerOf({ From, 'P-Asserted-Identity': two })).toEqual({ number: '+15551230142', name: 'Ann' });
  });

  it.each(['id', 'ID', '"id"', 'full', '"none;id"', 'user;id', 'header', 'id;critical', 'none, id'])(
    'is nobody with Privacy: %s',
    (Privacy) => {
      const headers = { From: '"Ann" <sip:1@h>', 'P-Asserted-Identity': '<sip:+15551230142@h>', Privacy };
      expect(callerOf(headers)).toBeNull();
    },
  );

  it.each(['none', 'session', 'critical', 'idle'])('is shown with Privacy: %s', (Privacy) => {
    expect(callerOf({ From: '<sip:1@h>', Privacy })).toEqual({ number: '1', name: null });
  });

  it.each([
    '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1',
    '<sip:x7f3@abcdef.invalid;transport=ws>',
    'Restricted <sip:restricted@carrier.example>',
    '<sip:@h>',
    '<sip:+@h>',
    '<>',
    '<sip:1@h',
    '"',
    '',
    `<sip:${'1'.repeat(3000)}@h>`,
  ])('is nobody in %s', (From) => {
    expect(callerOf({ From })).toBeNull();
  });

  it.each([
    ['in quotes', `"${'N'.repeat(3000)}" <sip:+14155550003@h>;tag=1`],
    ['without them', `${'N'.repeat(3000)} <sip:+14155550003@h>;tag=1`],
    ['with what is no end of it', `"${'<a:,\\"'.repeat(2000)}" <sip:+14155550003@h>`],
  ])('keeps the number where the name is very long, %s', (_, From) => {
    const caller = callerOf({ From });
    expect(caller?.number).toBe('+14155550003');
    expect(caller?.name).toHaveLength(100);
    expect(callerOf({ From: '<sip:1@h>', 'P-Asserted-Identity': From })?.number).toBe('+14155550003');
  });

  it('is read in one pass, however it is written', () => {
    // A search from each comma to the end would take minutes.
    for (const part of [';:,', ',', '"', '<', ':,', 'a:,', '",', '<>,', '\\"'])
      for (const end of ['', '<sip:1@h>']) callerOf({ From: part.repeat(500_000) + end });
  });

  it('has a name that turns nothing round, and breaks no line', () => {
    expect(callerOf({ From: '"\u202eevil\u202c \u2066x\u2069" <sip:1@h>' })?.name).toBe('evil x');
    expect(callerOf({ From: '"a\u2028b\u2029c\u0085d" <sip:1@h>' })?.name).toBe('a b c d');
    expect(callerOf({ From: '"\u202eanonymous\u202c" <sip:1@h>' })?.name ?? null).toBeNull();
    const asserted = { From: '<sip:2@h>', 'P-Asserted-Identity': '"\u200fדנה\u200b\u202e" <sip:1@h>' };
    expect(callerOf(asserted)).toEqual({ number: '1', name: 'דנה' });
  });

  it('has a name without line ends and of bounded length', () => {
    expect(callerOf({ From: `"a\u0007b" <sip:1@h>` })?.name).toBe('a b');
    expect(callerOf({ From: `"${'x'.repeat(500)}" <sip:1@h>` })?.name).toHaveLength(100);
  });

  it('is found or not in any text, in little time', () => {
    const text = fc.string({
      unit: fc.constantFrom('"', '\\', '<', '>', ',', ';', ':', '@', ' ', 's', 'sip:', '1'),
    });
    fc.assert(
      fc.property(text, text, (From, asserted) => {
        const caller = callerOf({ From, 'P-Asserted-Identity': asserted });
        const number = caller?.number ?? null;
        if (number !== null) expect(number).toMatch(/^\+?[0-9*#]+$/);
      }),
    );
    const begun = performance.now();
    callerOf({ From: '"\\'.repeat(10_000) });
    callerOf({ From: '<'.repeat(20_000) });
    callerOf({ From: ', '.repeat(10_000) });
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});

describe('the caller that a signature must be for', () => {
  const claimed = (headers: Readonly<Record<string, string>>, identity?: CallerIdentity) =>
    claimedCaller({ get: (name) => headers[name] }, identity);
  const From = '<sip:+4930123@h>;tag=1';

  it('is the one that is shown, and no other beside it', () => {
    const asserted = { From, 'P-Asserted-Identity': '<sip:+15550001@h>, <tel:+15550002>' };
    expect(claimed(asserted)).toEqual(['+15550001']);
    expect(claimed(asserted, ['from'])).toEqual(['+4930123']);
    expect(claimed({ From })).toEqual(['+4930123']);
  });

  it('is looked for in the places that a trunk believes, in its order, and in no other', () => {
    const fields = {
      From,
      'P-Asserted-Identity': '<sip:+15550001@h>',
      'P-Preferred-Identity': '<sip:+15550002@h>',
      'Remote-Party-ID': '<sip:+15550003@h>;party=calling',
    };
    expect(claimed(fields, ['remote-party-id', 'p-asserted-identity'])).toEqual(['+15550003']);
    expect(claimed(fields, ['p-preferred-identity', 'from'])).toEqual(['+15550002']);
    expect(
      claimed({ From, 'P-Asserted-Identity': '<sip:+15550001@h>' }, ['remote-party-id', 'from']),
    ).toEqual(['+4930123']);
  });

  it('is a name where it has no number, and nobody where nobody is named', () => {
    expect(claimed({ From: '"Ann" <sip:ann@example.com;x=y>;tag=1' })).toEqual(['sip:ann@example.com;x=y']);
    expect(claimed({})).toEqual([]);
    expect(claimed({ From: '<sip:anonymous@anonymous.invalid>' })).toEqual([]);
  });

  it('is known of those who ask for privacy, too', () => {
    const hidden = {
      Privacy: 'id',
      From: '<sip:anonymous@anonymous.invalid>',
      'P-Asserted-Identity': '<tel:+15550001>',
    };
    expect(claimed(hidden)).toEqual(['+15550001']);
    expect(claimed(hidden, ['from'])).toEqual(['+15550001']);
    expect(claimed({ From, Privacy: 'id' })).toEqual(['+4930123']);
    expect(claimed({ From, 'Remote-Party-ID': '<sip:+15550003@h>;party=calling;privacy=full' })).toEqual([
      '+15550003',
    ]);
  });
});
