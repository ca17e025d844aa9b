import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialledNumber, findCredentials } from './credential.js';

const tokenHeaders = ['X-Landbridge-Token', 'X-PH-Token'];

function findAll(uri: string, headers: Record<string, string> = {}) {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return findCredentials({ uri, get: (name) => lower.get(name.toLowerCase()) }, tokenHeaders);
}

/** What counts where nothing is known of its worth. */
function find(...request: Parameters<typeof findAll>) {
  const { credentials, voiceCallId } = findAll(...request);
  return { credential: credentials[0] ?? null, voiceCallId };
}

const code = (value: string) => ({ kind: 'join-code', value });
const jwt = (value: string) => ({ kind: 'jwt', value });

describe('the credential of an INVITE', () => {
  it('is missing where nothing shows one', () => {
    expect(find('sip:join@gw.example')).toEqual({ credential: null, voiceCallId: null });
    expect(find('sip:gw.example').credential).toBeNull();
    expect(find('sip:+15551112222@gw.example').credential).toBeNull();
  });

  it('is taken from User-to-User, then the headers in their order, then the URI’s parameter, then its user', () => {
    const uri = 'sip:ABCDEFGHJKMN@gw.example;token=uri.to.ken';
    const headers = {
      'User-to-User': 'uui.to.ken;encoding=jwt',
      'X-Landbridge-Token': 'first.to.ken',
      'X-PH-Token': 'second.to.ken',
    };
    const found: unknown[] = [find(uri, headers).credential];
    for (const name of ['User-to-User', 'X-Landbridge-Token', 'X-PH-Token'] as const) {
      delete (headers as Partial<typeof headers>)[name];
      found.push(find(uri, headers).credential);
    }
    found.push(find('sip:ABCDEFGHJKMN@gw.example').credential);
    expect(found).toEqual([
      jwt('uui.to.ken'),
      jwt('first.to.ken'),
      jwt('second.to.ken'),
      jwt('uri.to.ken'),
      code('ABCDEFGHJKMN'),
    ]);
  });

  it('is looked for further where User-to-User holds none, and the voice call id is kept', () => {
    const voiceCallId = '0123456789abcdef0123456789abcdef01234567';
    const headers = { 'User-to-User': `${voiceCallId};encoding=base64`, 'X-PH-Token': 'a.b.c' };
    expect(find('sip:join@gw.example', headers)).toEqual({ credential: jwt('a.b.c'), voiceCallId });
  });

  it.each([
    ['plain', 'a.b.c'],
    ['with spaces about', '  a.b.c '],
    ['with an encoding behind', 'a.b.c;encoding=jwt'],
    ['in quotes', '"a.b.c"'],
    ['twice, as fields of one name are joined', 'a.b.c, a.b.c'],
  ])('in a header may be written %s', (_, value) => {
    expect(find('sip:join@gw.example', { 'x-landbridge-token': value }).credential).toEqual(jwt('a.b.c'));
  });

  it('in a header that is empty or longer than 8 kB counts for nothing', () => {
    for (const value of ['', '  ', ';encoding=jwt', 'a'.repeat(8193)]) {
      const headers = { 'X-Landbridge-Token': value, 'X-PH-Token': 'a.b.c' };
      expect(find('sip:join@gw.example', headers).credential).toEqual(jwt('a.b.c'));
    }
  });

  it.each([
    ['as a user', 'sip:abcd-efgh-jkmn@gw.example', 'ABCDEFGHJKMN'],
    ['as a user with port and parameters', 'sip:ABCDEFGHJKMN@gw.example:5060;transport=tcp', 'ABCDEFGHJKMN'],
    ['as a user with a password', 'sip:ABCDEFGHJKMN:secret@gw.example', 'ABCDEFGHJKMN'],
    ['as a user with a parameter', 'sip:ABCDEFGHJKMN;phone-context=x@gw.example', 'ABCDEFGHJKMN'],
    ['as a user of a sips URI', 'SIPS:ABCDEFGHJKMN@gw.example', 'ABCDEFGHJKMN'],
    ['as a user with an escape', 'sip:%41BCDEFGHJKMN@gw.example', 'ABCDEFGHJKMN'],
    ['as a user at an IPv6 address', 'sip:ABCDEFGHJKMN@[2001:db8::1]:5060', 'ABCDEFGHJKMN'],
    ['as a parameter', 'sip:join@gw.example;token=abcdefghjkmn', 'ABCDEFGHJKMN'],
    ['as a parameter in capitals before others', 'sip:gw.example;TOKEN=ABCDEFGHJKMN;lr', 'ABCDEFGHJKMN'],
  ])('may be a join code %s', (_, uri, value) => {
    expect(find(uri).credential).toEqual(code(value));
  });

  it('may be a join code in a header or in User-to-User', () => {
    expect(find('sip:x@gw', { 'X-PH-Token': 'ABCDEFGHJKMN' }).credential).toEqual(code('ABCDEFGHJKMN'));
    expect(find('sip:x@gw', { 'User-to-User': 'abcdefghjkmn' }).credential).toEqual(code('ABCDEFGHJKMN'));
  });

  it('is not looked for in the URI’s headers or the host', () => {
    expect(find('sip:join@gw.example?token=a.b.c').credential).toBeNull();
    expect(find('sip:abcdefghjkmn').credential).toBeNull();
    expect(find('tel:+15551112222;token=a.b.c').credential).toBeNull();
  });

  it('is a wrong token, not a missing one, where a place of ours shows something else alone', () => {
    const wrong = jwt('what is this');
    expect(find('sip:join@gw', { 'X-Landbridge-Token': 'what is this' }).credential).toEqual(wrong);
    expect(find('sip:join@gw;token=what%20is%20this').credential).toEqual(wrong);
    expect(find('sip:join@gw', { 'User-to-User': 'what is this;encoding=jwt' }).credential).toEqual(wrong);
  });

  it.each([
    ['somebody’s own value in hex', '414343542d3432;encoding=hex'],
    ['somebody’s own value in ASCII', '12345;encoding=ascii'],
    ['somebody’s own JSON', '"{\\"account\\": 42}";encoding=json'],
    ['a version with dots', '1.0;encoding=text'],
    ['an address', '192.0.2.17;purpose=isdn-uui'],
    ['ISDN octets', '04c80441434354;encoding=hex;pd=04'],
    ['several of these', '414343542d3432;encoding=hex, 12345'],
  ])('is looked for further where User-to-User has %s', (_, value) => {
    const headers = { 'User-to-User': value };
    expect(find('sip:join@gw.example', headers).credential).toBeNull();
    expect(find('sip:join@gw', { ...headers, 'X-PH-Token': 'a.b.c' }).credential).toEqual(jwt('a.b.c'));
    expect(find('sip:join@gw;token=a.b.c', headers).credential).toEqual(jwt('a.b.c'));
    expect(find('sip:ABCDEFGHJKMN@gw', headers).credential).toEqual(code('ABCDEFGHJKMN'));
    const behind = { 'User-to-User': `${value},ABCDEFGHJKMN` };
    expect(find('sip:join@gw', behind).credential).toEqual(code('ABCDEFGHJKMN'));
  });

  it('is looked for further where a header of ours has something else', () => {
    const headers = { 'X-Landbridge-Token': 'none', 'X-PH-Token': 'a.b.c' };
    expect(find('sip:join@gw', headers).credential).toEqual(jwt('a.b.c'));
    expect(find('sip:join@gw', { 'X-PH-Token': 'none, a.b.c' }).credential).toEqual(jwt('a.b.c'));
    expect(find('sip:ABCDEFGHJKMN@gw', { 'X-PH-Token': 'none' }).credential).toEqual(code('ABCDEFGHJKMN'));
  });

  it('is one of several where several places hold what has the form of one, each once', () => {
    const headers = {
      'User-to-User': 'ORDER1234567, a.b.c, order-123-4567;encoding=ascii',
      'X-PH-Token': 'a.b.c, d.e.f',
    };
    const { credentials } = findAll('sip:ABCDEFGHJKMN@gw;token=g.h.i', headers);
    const expected = [code('0RDER1234567'), jwt('a.b.c'), jwt('d.e.f'), jwt('g.h.i'), code('ABCDEFGHJKMN')];
    expect(credentials).toEqual(expected);
  });

  it('is found in linear time, whatever a stranger writes', () => {
    const begun = performance.now();
    for (const piece of ['a', 'a;', 'a:', ';token', '%']) find(`sip:${piece.repeat(600_000)}`);
    for (const piece of ['a', 'a;', '@', ';', ':', '%4']) {
      find(`sip:${piece.repeat(8000 / piece.length)}`);
      dialledNumber(`sip:${piece.repeat(8000 / piece.length)}@gw`);
    }
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('is found without an exception in any text', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, text, (uri, userToUser, token) => {
        const { credential } = find(`sip:${uri}`, { 'User-to-User': userToUser, 'X-PH-Token': token });
        if (credential !== null) expect(credential.value).not.toBe('');
      }),
    );
  });
});

describe('the number that a URI names', () => {
  it.each([
    ['sip:+14158675309@gw.example', '+14158675309'],
    ['sip:4158675309@gw.example;user=phone', '4158675309'],
    ['sip:+1-415-867-5309@gw.example', '+1-415-867-5309'],
    ['sip:+1.415.867.5309@gw.example', '+1.415.867.5309'],
    ['sip:(415)867-5309@gw.example', '(415)867-5309'],
    ['sip:+1%20415%20867%205309@gw.example', '+1 415 867 5309'],
    ['sip:%2B14158675309@gw.example', '+14158675309'],
    ['sip:01114158675309@gw.example', '01114158675309'],
    ['sip:0114915112345678901@gw.example', '0114915112345678901'],
    ['sip:+14158675309;npdi;rn=+14155550100@gw.example', '+14158675309'],
    ['sip:+14158675309%3Bnpdi@gw.example', '+14158675309'],
    ['sip:+14158675309:pin@gw.example', '+14158675309'],
    ['sips:8675309;phone-context=+1415@gw.example', '+14158675309'],
    ['sip:415-867-5309;phone-context=+1@gw.example', '+1415-867-5309'],
    ['sip:4158675309;phone-context=gw.example@gw.example', '4158675309'],
    ['tel:+14158675309', '+14158675309'],
    ['TEL:+1-415-867-5309', '+1-415-867-5309'],
    ['tel:+14158675309;ext=42', '+14158675309'],
    ['tel:8675309;phone-context=+1-415', '+1-4158675309'],
    ['tel:+14158675309;phone-context=+49', '+14158675309'],
    ['sip:0014158675309;phone-context=+44@gw.example', '0014158675309'],
    ['tel:011-44-20-7183-8750;phone-context=+1', '011-44-20-7183-8750'],
    ['tel:02071838750;phone-context=+44', '+4402071838750'],
    ['sip:14158675309;phone-context=+1@gw.example', '+14158675309'],
    ['tel:1-415-867-5309;phone-context=+1-415', '+1-415-867-5309'],
    ['sip:(1)4158675309%3Bphone-context=%2B1@gw.example;user=phone', '+(1)4158675309'],
    ['tel:1234567;phone-context=+49', '+491234567'],
    ['tel:911', '911'],
    ['sip:+49/30-123456@gw.example', '+49/30-123456'],
    ['sip:+1%C2%A0415%E2%80%91867%E2%80%915309@gw.example', '+1\u00a0415\u2011867\u20115309'],
    ['sip:4158675309%23@gw.example', '4158675309'],
    ['sip:4158675309;phone-context="+1"@gw.example', '+14158675309'],
    ['tel:4158675309;phone-context= +1 ', '+14158675309'],
  ])('%s is %s', (uri, number) => {
    expect(dialledNumber(uri)).toBe(number);
  });

  it.each([
    ['sip:gw.example'],
    ['sip:join@gw.example'],
    ['sip:12@gw.example'],
    ['sip:+@gw.example'],
    ['sip:--@gw.example'],
    ['sip:415#8675309@gw.example'],
    ['sip:4158675309##@gw.example'],
    ['sip:#@gw.example'],
    ['sip:+14158675309x5@gw.example'],
    ['sip:ABCDEFGHJKMN@gw.example'],
    ['sip:alice;phone-context=+1415@gw.example'],
    [`sip:${'1'.repeat(65)}@gw.example`],
    ['tel:'],
    ['urn:service:sos'],
    ['+14158675309'],
  ])('%s names none', (uri) => {
    expect(dialledNumber(uri)).toBeNull();
  });
});
