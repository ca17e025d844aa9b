import { describe, expect, it } from 'vitest';
import { guardInvite, guardReoffer, guardRequire, responseBytes } from './request-guard.js';
import { drachtioServer, ownServer } from './server-traits.js';

const good: Record<string, string> = {
  From: '"x;tag=no" <sip:caller@192.0.2.1;tag=neither>;tag=abc',
  To: '<sip:join@gateway.example;tag=none>',
  'Call-ID': 'c1@192.0.2.1',
  CSeq: '1 INVITE',
  Contact: '<sip:caller@192.0.2.1>',
};

function request(changes: Record<string, string | undefined> = {}, raw = '') {
  const fields: Record<string, string | undefined> = { ...good, ...changes };
  return { get: (name: string) => fields[name], body: '', raw };
}

describe('an INVITE', () => {
  it('of the usual form passes', () => {
    expect(guardInvite(request(), drachtioServer)).toBeNull();
    expect(guardInvite(request({ From: 'sip:caller@192.0.2.1;tag=abc' }), drachtioServer)).toBeNull();
    expect(guardInvite(request({ 'Call-ID': 'a=1#2$3&4,5^6@pbx' }), drachtioServer)).toBeNull();
  });

  it.each([
    [{ Contact: undefined }, 400],
    [{ Contact: '[sip:x@y]' }, 400],
    [{ Contact: '*' }, 400],
    [{ 'Call-ID': 'a|b' }, 400],
    [{ 'Call-ID': 'a b' }, 400],
    [{ 'Call-ID': 'a;from-tag=b' }, 400],
    [{ 'Call-ID': 'é' }, 400],
    [{ 'Call-ID': '' }, 400],
    [{ From: '<sip:a@b>;tag=a|b' }, 400],
    [{ To: '<sip:join@gateway.example>;tag=gone' }, 481],
    [{ To: 'sip:join@gateway.example ; TAG = gone' }, 481],
    [{ 'Call-ID': 'x'.repeat(2000) }, 513],
    [{ From: `<sip:a@b>;tag=${'x'.repeat(2000)}` }, 513],
    [{ From: `"${'x'.repeat(5000)}" <sip:a@b>;tag=1` }, 513],
    [{ To: `"${'ü'.repeat(2500)}" <sip:a@b>` }, 513],
  ])('with %o is refused with %d', (changes, status) => {
    expect(guardInvite(request(changes), drachtioServer)).toMatchObject({ status });
  });

  it.each([
    [{ 'Call-ID': 'a=1#2$3&4@pbx' }],
    [{ 'Call-ID': 'a|b' }],
    [{ From: '<sip:a@b>;tag=a/b=c' }],
    [{ Contact: '<sip:#31#@192.0.2.1>' }],
    [{ Contact: 'Doe, John <sip:doe@192.0.2.1>' }],
  ])('with %o passes at our own server', (changes) => {
    expect(guardInvite(request(changes), ownServer)).toBeNull();
    expect(guardReoffer(request(changes), ownServer)).toBeNull();
  });

  it('above 64 kB is refused', () => {
    expect(guardInvite(request({}, 'x'.repeat(65_536)), ownServer)).toBeNull();
    expect(guardInvite(request({}, 'x'.repeat(65_537)), ownServer)).toMatchObject({ status: 513 });
  });
});

describe('a re-INVITE or UPDATE', () => {
  it('may do without Contact, but not have one that is none', () => {
    expect(guardReoffer(request({ To: '<sip:join@gateway.example>;tag=ours' }), drachtioServer)).toBeNull();
    expect(guardReoffer(request({ Contact: undefined }), drachtioServer)).toBeNull();
    expect(guardReoffer(request({ Contact: '[sip:x@y]' }), drachtioServer)).toMatchObject({ status: 400 });
    expect(guardReoffer(request({}, 'x'.repeat(65_537)), drachtioServer)).toMatchObject({ status: 513 });
  });
});

it('a response costs what it copies, its own headers and its body, in bytes', () => {
  const small = responseBytes(request(), {}, '');
  expect(responseBytes(request(), { Allow: 'ä' }, 'ü')).toBe(small + 5 + 2 + 4 + 2);
  expect(responseBytes(request({ From: `${good['From'] ?? ''}xxx` }), {}, '')).toBe(small + 3);
});

it('what it requires beyond 100rel and timer is refused with 420, by name', () => {
  expect(guardRequire(request())).toBeNull();
  expect(guardRequire(request({ Require: '100REL' }))).toBeNull();
  expect(guardRequire(request({ Require: '100rel, timer,x y,replaces,path,join' }))).toMatchObject({
    status: 420,
    headers: { Unsupported: 'path, join' },
  });
});
