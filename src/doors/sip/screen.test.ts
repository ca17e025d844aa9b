import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { silentLogger } from '../../domain/logger.js';
import { Screen } from './screen.js';

const clock = new ManualClock();
const refused: string[] = [];
const lines: string[] = [];
const logger = {
  ...silentLogger,
  info: (_: object, message: string) => void lines.push(message),
  warn: (fields: object, message: string) => void lines.push(`${JSON.stringify(fields)} ${message}`),
};
let screen: Screen;
beforeEach(() => {
  refused.length = 0;
  lines.length = 0;
  screen = new Screen({
    ...{ tokenHeaders: ['X-PH-Token'], retryAfterSeconds: 5, clock, logger },
    onRefused: (code) => refused.push(code),
  });
});

const refusalOf = (uri: string, headers: Record<string, string> = {}) =>
  screen.refusalOf({ uri, get: (name) => headers[name] }, '192.0.2.1');

describe('An INVITE', () => {
  it.each([
    ['sip:join@gw', {}],
    ['sip:gw', {}],
    ['sip:12@gw', {}],
    ['urn:service:sos', {}],
    ['sip:join@gw', { 'User-to-User': '414343542d3432;encoding=hex' }],
  ])('to %s with %o shows nothing, and is refused and counted', (uri, headers) => {
    expect(refusalOf(uri, headers)).toEqual({
      status: 403,
      headers: { Reason: 'SIP;cause=403;text="token-missing"' },
    });
    expect(refused).toEqual(['token-missing']);
  });

  it.each([
    ['sip:+14158675309@gw', {}],
    ['tel:+14158675309', {}],
    ['sip:ABCDEFGHJKMN@gw', {}],
    ['sip:join@gw;token=what', {}],
    ['sip:join@gw', { 'User-to-User': 'a.b.c;encoding=jwt' }],
    ['sip:join@gw', { 'X-PH-Token': 'anything' }],
  ])('to %s with %o passes: whether it is good is seen later', (uri, headers) => {
    expect(refusalOf(uri, headers)).toBeNull();
    expect(refused).toEqual([]);
  });
});

it('Of a flood, twenty a second are told of, and then how many there were more', () => {
  for (let i = 0; i < 100; i += 1) refusalOf('sip:join@gw');
  expect(lines).toHaveLength(20);
  clock.advance(1000);
  refusalOf('sip:join@gw');
  expect(lines.slice(20)).toEqual([
    '{"calls":80} more calls without a credential were refused',
    'call refused',
  ]);
  expect(refused).toHaveLength(101);
});
