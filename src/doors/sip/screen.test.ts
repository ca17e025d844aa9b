import { beforeEach, describe, expect, it } from 'vitest';
import { cutOut, keptBytes } from '../../../test/support/heap.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import type { RefusedCall } from '../../domain/facts/refused-call.js';
import { silentLogger } from '../../domain/logger.js';
import { JwtTokenCodec } from '../../tokens/jwt-token-codec.js';
import { Screen, type ScreenOptions } from './screen.js';

const clock = new ManualClock();
const tokens = new JwtTokenCodec({ secret: 'a secret of more than thirty-two bytes' });
const valid = tokens.sign('3f0e6a52-9d0b-4d42-9a53-0b2f4c6de001', clock.now() + 600_000);
const expired = tokens.sign('3f0e6a52-9d0b-4d42-9a53-0b2f4c6de001', clock.now() - 600_000);
/** Some number takes calls from there. */
const dialInSource = '203.0.113.5';
const refused: string[] = [];
const told: RefusedCall[] = [];
const lines: string[] = [];
const logger = {
  ...silentLogger,
  info: (_: object, message: string) => void lines.push(message),
  warn: (fields: object, message: string) => void lines.push(`${JSON.stringify(fields)} ${message}`),
};
let screen: Screen;
const screenWith = (options: Partial<ScreenOptions> = {}) =>
  new Screen({
    ...{ tokenHeaders: ['X-PH-Token'], tokens, retryAfterSeconds: 5, clock, logger },
    onRefused: (call) => {
      refused.push(call.code);
      told.push(call);
    },
    isTrunkAddress: (address) => address === '198.51.100.1',
    isTrunkContact: (user) => user === `lb${'0'.repeat(32)}`,
    challenge: () => null,
    mayDialIn: (address) => address === dialInSource,
    refuseStrangers: false,
    isOurOwn: (request) => request.get('X-Own') === 'yes',
    hasGuessedTooMuch: () => false,
    ...options,
  });
beforeEach(() => {
  refused.length = 0;
  told.length = 0;
  lines.length = 0;
  screen = screenWith();
});

let calls = 0;
const refusalOf = (
  uri: string,
  headers: Record<string, string> = {},
  source = '192.0.2.1',
  isBrowser = false,
) => {
  const fields: Record<string, string> = { 'Call-ID': `call ${(calls += 1)}`, ...headers };
  const origin = { address: source, guesser: `udp ${source}`, isBrowser };
  return screen.refusalOf({ uri, get: (name) => fields[name] }, origin);
};

it('A call from a trunk’s network is the trunk’s to judge, whatever it shows', () => {
  expect(refusalOf('sip:pilot@gw', {}, '198.51.100.1')).toBeNull();
  expect(refused).toEqual([]);
});

it('A call to the Contact that a registrar was given is its trunk’s to judge, wherever it comes from', () => {
  for (const options of [{}, { refuseStrangers: true }, { challenge: () => ['Digest a'] }]) {
    screen = screenWith(options);
    expect(refusalOf(`sip:lb${'0'.repeat(32)}@gw`)).toBeNull();
    expect(refusalOf(`sip:lb${'0'.repeat(31)}1@gw`)).not.toBeNull();
  }
});

it('Where trunks are known by passwords, who shows nothing is asked for one, and nobody is told of it', () => {
  screen = screenWith({
    challenge: (request) => (request.get('Authorization') === undefined ? ['Digest a'] : []),
  });
  expect(refusalOf('sip:join@gw')).toMatchObject({ status: 401, challenges: ['Digest a'] });
  expect(refusalOf('sip:join@gw', { Authorization: 'x' })).toBeNull();
  expect(refusalOf('sip:join@gw', {}, '192.0.2.1', true)).toMatchObject({ status: 403 });
  expect(refused).toEqual(['token-missing']);
  expect(refusalOf('sip:join@gw', { 'User-to-User': 'a.b.c;encoding=jwt' })).toMatchObject({ status: 403 });
});

it('Where strangers are refused, none is let in by a good token but browsers and calls of our own', () => {
  screen = screenWith({ refuseStrangers: true });
  const good = { 'User-to-User': `${valid};encoding=jwt` };
  expect(refusalOf('sip:join@gw', good)).toMatchObject({ status: 403 });
  expect(refused).toEqual(['no-trunk']);
  expect(refusalOf('sip:join@gw', good, '192.0.2.1', true)).toBeNull();
  expect(refusalOf('sip:join@gw', { ...good, 'X-Own': 'yes' })).toBeNull();
  expect(refusalOf('sip:join@gw', good, '198.51.100.1')).toBeNull();
});

describe('An INVITE', () => {
  it.each([
    ['sip:join@gw', {}],
    ['sip:gw', {}],
    ['sip:12@gw', {}],
    // A number, from where no number takes calls.
    ['sip:+14158675309@gw', {}],
    ['tel:+14158675309', {}],
    ['urn:service:sos', {}],
    ['sip:join@gw', { 'User-to-User': '414343542d3432;encoding=hex' }],
  ])('to %s with %o shows nothing, and is refused and counted', (uri, headers) => {
    expect(refusalOf(uri, headers)).toEqual({
      status: 403,
      headers: { Reason: 'SIP;cause=403;text="token-missing"' },
    });
    expect(refused).toEqual(['token-missing']);
  });

  // Each was answered eleven times, which made a made-up token worth a flood.
  it.each([
    ['sip:join@gw;token=what', {}, 'token-invalid'],
    ['sip:join@gw', { 'User-to-User': 'a.b.c;encoding=jwt' }, 'token-invalid'],
    ['sip:join@gw', { 'X-PH-Token': 'anything' }, 'token-invalid'],
    ['sip:+14158675309@gw', { 'X-PH-Token': `${valid}x` }, 'token-invalid'],
    ['sip:join@gw', { 'X-PH-Token': expired }, 'token-expired'],
    ['sip:join@gw', { 'User-to-User': `a.b.c, ${expired}, d.e.f` }, 'token-expired'],
    ['sip:join@gw', { 'User-to-User': 'a.b.c, '.repeat(400) }, 'token-invalid'],
  ])('to %s with %o shows a token that is none, and is refused and counted', (uri, headers, code) => {
    expect(refusalOf(uri, headers)).toEqual({
      status: 403,
      headers: { Reason: `SIP;cause=403;text="${code}"` },
    });
    expect(refused).toEqual([code]);
  });

  it.each(['sip:+14158675309@gw', 'tel:+14158675309'])(
    'to %s passes from a network that some number takes calls from',
    (uri) => {
      expect(refusalOf(uri, {}, dialInSource)).toBeNull();
      expect(refusalOf('sip:join@gw', {}, dialInSource)).toMatchObject({ status: 403 });
      expect(refused).toEqual(['token-missing']);
    },
  );

  it.each([
    ['sip:ABCDEFGHJKMN@gw', {}],
    [`sip:join@gw;token=${valid}`, {}],
    ['sip:join@gw', { 'User-to-User': `${valid};encoding=jwt` }],
    ['sip:join@gw', { 'X-PH-Token': valid }],
    ['sip:join@gw', { 'User-to-User': 'a.b.c;encoding=jwt', 'X-PH-Token': valid }],
    ['sip:join@gw', { 'User-to-User': `a.b.c, ${expired}, ${valid}` }],
    ['sip:ABCDEFGHJKMN@gw', { 'User-to-User': 'a.b.c' }],
  ])('to %s with %o passes: whether it is good is seen later', (uri, headers) => {
    expect(refusalOf(uri, headers)).toBeNull();
    expect(refused).toEqual([]);
  });
});

it('Whoever is told of a refusal learns of the call what may be shown, whose token it had, and no token', () => {
  const shown = {
    'X-PH-Token': expired,
    From: '"Jenny" <sip:+14155550199@carrier>;tag=1',
    To: `<sip:+14155550100@gw;token=${expired}>`,
    'User-to-User': `${'a1'.repeat(20)};encoding=base64`,
  };
  refusalOf(`sip:join@gw;token=${expired}`, shown);
  expect(told).toMatchObject([
    {
      ...{ door: 'sip', code: 'token-expired', source: '192.0.2.1', accountId: null, legId: null },
      participantId: '3f0e6a52-9d0b-4d42-9a53-0b2f4c6de001',
    },
  ]);
  const details = told[0]?.details();
  expect(details).toEqual({
    ...{ callId: `call ${calls}`, voiceCallId: 'a1'.repeat(20), sipStatus: 403, detail: null },
    ...{ caller: { number: '+14155550199', name: 'Jenny' }, dialled: '+14155550100' },
  });
  refusalOf('sip:join@gw', { To: '<sip:join@gw>' });
  expect([told[1]?.participantId, told[1]?.details()]).toMatchObject([null, { caller: null, dialled: null }]);
});

// In either form it would open the session to whoever may read records.
it.each([
  ['sip:join@gw', '<sip:415867530942@gw>', '********0942'],
  ['sip:join@gw;token=a.b.c', '<sip:4158-6753-0942@gw>', '**********0942'],
  ['sip:join@gw', 'sip:+415867530942@gw;tag=2', '+415867530942'],
])('The number that was called, which may be a join code: %s, to %s', (uri, to, shown) => {
  refusalOf(uri, { To: to });
  expect(told[0]?.details().dialled).toBe(shown);
});

it('Of a flood, a hundred in ten seconds are told of, and then how many there were more', () => {
  for (let i = 0; i < 180; i += 1) refusalOf('sip:join@gw');
  expect(lines).toHaveLength(100);
  clock.advance(10_000);
  refusalOf('sip:join@gw');
  expect(lines.slice(100)).toEqual([
    '{"calls":80} more calls without a good credential were refused',
    'call refused',
  ]);
  expect(refused).toHaveLength(181);
});

it('The refusals that were left out last are told of at the end, once', () => {
  for (let call = 0; call < 103; call += 1) refusalOf('sip:join@gw');
  screen.close();
  screen.close();
  clock.advance(10_000);
  expect(lines.slice(100)).toEqual(['{"calls":3} more calls without a good credential were refused']);
});

it('A copy of an INVITE that was refused is refused again, and neither counted nor told of', () => {
  const copy = { 'Call-ID': 'the same' };
  expect(refusalOf('sip:join@gw', copy)).toEqual(refusalOf('sip:join@gw', copy));
  expect(refused).toEqual(['token-missing']);
  expect(lines).toEqual(['call refused']);
});

it.each([
  ['short', (at: number) => `call ${at} at 192.0.2.1`],
  ['long', (at: number) => `${at} ${'c'.repeat(8000)}`],
])(
  'What is remembered of calls that were refused is little, whatever else was in them: %s Call-IDs',
  async (_, id) => {
    const bytes = await keptBytes(() => {
      for (let at = 0; at < 1000; at += 1) refusalOf('sip:join@gw', { 'Call-ID': cutOut(id(at)) });
      told.length = 0;
    });
    expect(bytes).toBeLessThan(1_000_000);
    expect(refused).toHaveLength(1000);
    refusalOf('sip:join@gw', { 'Call-ID': id(0) });
    expect(refused).toHaveLength(1000);
  },
);

it('Who has guessed too many join codes is refused before anything is kept, but for numbers, tokens and our own calls', () => {
  screen = screenWith({ hasGuessedTooMuch: (guesser) => guesser !== 'udp 192.0.2.2' });
  const code = { 'User-to-User': '7K3Q-9XWT-2MBD' };
  expect(refusalOf('sip:join@gw', code)).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } });
  expect(refused).toEqual(['too-many-guesses']);
  expect(refusalOf('sip:join@gw', code, '192.0.2.2')).toBeNull();
  expect(refusalOf('sip:+14155550100@gw', code)).toMatchObject({ status: 503 });
  expect(refusalOf('sip:+14155550100@gw', code, dialInSource)).toBeNull();
  expect(refusalOf('sip:join@gw', { ...code, 'X-Own': 'yes' })).toBeNull();
  expect(refusalOf('sip:join@gw', { ...code, 'X-PH-Token': valid })).toBeNull();
  expect(refusalOf('sip:join@gw', { ...code, 'X-PH-Token': expired })).toMatchObject({ status: 503 });
  expect(refusalOf('sip:join@gw', code, '198.51.100.1')).toBeNull();
});

it('Who answers a challenge is no stranger who guesses', () => {
  screen = screenWith({
    hasGuessedTooMuch: () => true,
    challenge: (request) => (request.get('Authorization') === undefined ? ['Digest a'] : []),
  });
  const code = { 'User-to-User': '7K3Q-9XWT-2MBD' };
  expect(refusalOf('sip:join@gw', code)).toMatchObject({ status: 503 });
  expect(refusalOf('sip:join@gw', { ...code, Authorization: 'x' })).toBeNull();
});
