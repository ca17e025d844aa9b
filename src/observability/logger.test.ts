import { describe, expect, it } from 'vitest';
import { DomainError } from '../domain/domain-error.js';
import { createJoinCode } from '../domain/participants/join-code.js';
import { JwtTokenCodec } from '../tokens/jwt-token-codec.js';
import { createLogger } from './logger.js';

const password = 'correct horse "battery" staple';
const tokenSecret = 'a secret of more than thirty-two bytes';
const joinCode = createJoinCode();
const token = new JwtTokenCodec({ secret: tokenSecret }).sign('0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b', 2e12);
const signature = token.split('.')[2] ?? '';
const basic = `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`;
const everySecret = [
  password,
  JSON.stringify(password).slice(1, -1),
  tokenSecret,
  joinCode,
  token,
  signature,
  basic.slice(6),
];

function capture(level: 'trace' | 'info' = 'trace') {
  const lines: string[] = [];
  const logger = createLogger({
    level,
    headers: ['X-Landbridge-Token'],
    secrets: [password, tokenSecret],
    destination: { write: (line) => void lines.push(line) },
  });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '') as Record<string, unknown> };
}

describe('A log line', () => {
  it('is JSON with the level’s name, the time, the fields and the message', () => {
    const { logger, last } = capture();
    logger.child({ sessionId: 's' }).warn({ legId: 'l' }, 'something happened');
    expect(last()).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      sessionId: 's',
      legId: 'l',
      msg: 'something happened',
    });
  });

  it('has the place of a fault of ours, and none of what is no fault of the code', () => {
    const { logger, last } = capture();
    logger.error({ err: new TypeError('a fault') }, 'it failed');
    expect(last()['err']).toMatchObject({
      type: 'TypeError',
      stack: expect.stringContaining('logger.test.ts'),
    });
    const away = new DomainError('store-unavailable', 'The store cannot be reached');
    logger.child({ door: 'sip' }).error({ err: away }, 'it failed');
    expect(last()['err']).toEqual({
      ...{ type: 'DomainError', code: 'store-unavailable', message: 'The store cannot be reached' },
    });
  });

  it('below the level is not written', () => {
    const { logger, lines } = capture('info');
    logger.debug({}, 'quiet');
    expect(lines).toEqual([]);
  });

  const sip =
    `INVITE sip:${joinCode}@gateway SIP/2.0\r\nUser-to-User: 95ac8d6e;encoding=base64,${token};encoding=jwt\r\n` +
    `X-Landbridge-Token: ${joinCode}\r\nAuthorization: ${basic}\r\nSubject: hello\r\n\r\n`;

  it.each<[string, object]>([
    ['a token', { token }],
    ['a token among other words', { url: `wss://gateway/v3/?client=browser&token=${token}&x=1` }],
    ['a join code as a token parameter', { uri: `sip:join@gateway;token=${joinCode};transport=tcp` }],
    ['a join code as the user of a URI', { uri: `sip:${joinCode}@gateway:5060` }],
    [
      'a join code written leniently',
      { uri: `<sips:${joinCode.toLowerCase().replace(/(.{4})(?=.)/g, '$1-')}@gateway>` },
    ],
    ['a join code', { joinCode }],
    ['a join code in a body', { body: { participant: {}, joinCode, token } }],
    ['a credential', { credential: { kind: 'join-code', value: joinCode } }],
    [
      'nested headers',
      {
        request: {
          headers: { Authorization: basic, 'User-to-User': joinCode, 'x-landbridge-token': joinCode },
        },
      },
    ],
    ['a header with several values', { headers: { 'user-to-user': [joinCode, token] } }],
    ['a whole SIP message', { raw: sip }],
    ['a password', { password }],
    ['a password in a text', { detail: `wrong: ${password}` }],
    ['a token secret', { config: { tokenSecret, previousTokenSecret: tokenSecret } }],
    ['an error', { err: Object.assign(new Error(`bad ${token} and ${sip} and ${password}`), { token }) }],
    ['credentials', { authorization: basic, header: `Proxy-Authorization: ${basic}` }],
  ])('does not hold %s', (_, fields) => {
    const { logger, lines, last } = capture();
    logger.info(fields, 'as a field');
    logger.child(fields).info({}, 'as a binding');
    logger.child({ deep: { deeper: { deepest: fields } } }).error({}, 'deep down');
    expect(lines).toHaveLength(3);
    expect(lines.join('')).toContain('[redacted]');
    for (const secret of everySecret)
      expect(lines.join('').toUpperCase()).not.toContain(secret.toUpperCase());
    expect(lines.join('').replaceAll('-', '').toUpperCase()).not.toContain(joinCode);
    expect(last()['msg']).toBe('deep down');
  });

  it('does not hold a secret in its message', () => {
    const { logger, lines } = capture();
    logger.info({}, `called with ${token}, ${password}`);
    expect(lines.join('')).not.toMatch(new RegExp(`${signature}|horse`));
  });

  it('keeps what is no secret', () => {
    const { logger, last } = capture();
    const fields = {
      tokenUse: 'once',
      code: 'token-expired',
      uri: 'sip:+14155550100@carrier.example:5060',
      other: 'sip:bob@gateway',
      text: 'basic authentication failed; the token: is missing',
      participantId: '0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b',
    };
    logger.info(fields, 'kept');
    expect(last()).toMatchObject(fields);
  });
});
