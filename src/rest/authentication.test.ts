import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { Authenticator } from './authentication.js';
import type { RestError } from './rest-error.js';

const accounts = [
  { accountId: 'acme', username: 'alice', password: 'pass:word ✓' },
  { accountId: 'acme', username: 'admin', password: 'first' },
  { accountId: 'other', username: 'admin', password: 'second' },
];
const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
const good = basic('alice', 'pass:word ✓');

function start(failuresPerMinute = 3, maxSources = 10) {
  const clock = new ManualClock();
  const authenticator = new Authenticator(accounts, { failuresPerMinute, maxSources }, clock);
  const statusOf = (
    authorization: string | undefined,
    accountId: string | null = 'acme',
    source = '192.0.2.1',
  ): number => {
    try {
      authenticator.authenticate(authorization, accountId, source);
      return 200;
    } catch (error) {
      return (error as RestError).status;
    }
  };
  return { clock, authenticator, statusOf };
}

describe('HTTP Basic', () => {
  it('lets in who knows the password, colons and Unicode in it included', () => {
    const { statusOf } = start();
    expect(statusOf(good)).toBe(200);
    expect(statusOf(good.replace('Basic', 'basic'))).toBe(200);
  });

  it('tells two accounts’ users of one name apart by their passwords', () => {
    const { statusOf } = start();
    expect(statusOf(basic('admin', 'first'), 'acme')).toBe(200);
    expect(statusOf(basic('admin', 'second'), 'other')).toBe(200);
    expect(statusOf(basic('admin', 'first'), 'other')).toBe(403);
  });

  it('says that nobody may where no account is the operator’s, to whoever knows a password', () => {
    const { authenticator, statusOf } = start();
    expect(() => authenticator.authenticate(good, null, 'x')).toThrow(
      expect.objectContaining({
        code: 'wrong-account',
        message: 'No account runs this gateway: operatorAccount is not set',
      }),
    );
    expect(statusOf(basic('alice', 'wrong'), null)).toBe(401);
    expect(statusOf(undefined, null)).toBe(401);
  });

  it.each([
    ['nothing', undefined],
    ['another scheme', 'Bearer abc'],
    ['no base64', 'Basic ***'],
    ['no colon', `Basic ${Buffer.from('alice').toString('base64')}`],
    ['a wrong password', basic('alice', 'wrong')],
    ['the beginning of the password', basic('alice', 'pass')],
    ['an unknown user', basic('nobody', 'pass:word ✓')],
    ['an empty user and password', basic('', '')],
    ['a name from the prototype', basic('__proto__', 'x')],
  ])('answers 401 to %s', (_, authorization) => {
    expect(start().statusOf(authorization)).toBe(401);
  });

  it('names the realm', () => {
    const { authenticator } = start();
    expect(() => authenticator.authenticate(undefined, 'acme', 'x')).toThrow(
      expect.objectContaining({
        message: 'Unauthorized',
        headers: { 'www-authenticate': 'Basic realm="Landbridge", charset="UTF-8"' },
      }),
    );
  });

  it('answers 403 for another account', () => {
    expect(start().statusOf(good, 'other')).toBe(403);
    expect(start().statusOf(good, 'unknown')).toBe(403);
  });

  it('answers 429 after too many failures from an address, for a minute, and no other address suffers', () => {
    const { statusOf, clock } = start(3);
    for (let i = 0; i < 3; i++) expect(statusOf(basic('alice', `guess ${i}`))).toBe(401);
    expect(statusOf(basic('alice', 'guess'))).toBe(429);
    expect(statusOf(good)).toBe(429);
    expect(statusOf(good, 'acme', '192.0.2.2')).toBe(200);
    clock.advance(60_000);
    expect(statusOf(good)).toBe(200);
  });

  it('lets those work on who were let in before a neighbour began to guess', () => {
    const { statusOf } = start(3);
    expect(statusOf(good)).toBe(200);
    for (let i = 0; i < 3; i++) statusOf(basic('alice', `guess ${i}`));
    expect(statusOf(good)).toBe(200);
    expect(statusOf(basic('admin', 'first'))).toBe(429);
  });

  it('does not count a request without credentials: that is how clients ask for the realm', () => {
    const { statusOf } = start(3);
    for (let i = 0; i < 10; i++) expect(statusOf(undefined)).toBe(401);
    expect(statusOf(good)).toBe(200);
  });

  it('remembers a bounded number of addresses', () => {
    const { statusOf } = start(1, 2);
    for (const source of ['a', 'b', 'c']) expect(statusOf(basic('alice', 'x'), 'acme', source)).toBe(401);
    expect(statusOf(good, 'acme', 'a')).toBe(200);
    expect(statusOf(good, 'acme', 'c')).toBe(429);
  });
});
