import { beforeEach, describe, expect, it } from 'vitest';
import { parseChallenges } from './challenge.js';
import { answerChallenge } from './credentials.js';
import { DigestServer, type SecretHashes } from './digest-server.js';
import { secretHash } from './hash.js';
import { Nonces } from './nonces.js';

const lifetimeMs = 60_000;
const maxAnswered = 3;
let nowMs: number;
let nonces: Nonces;
let server: DigestServer;
beforeEach(() => {
  nowMs = 1_700_000_000_000;
  nonces = new Nonces({ now: () => nowMs, lifetimeMs, maxAnswered });
  server = new DigestServer('landbridge', nonces);
});

const secrets: SecretHashes = {
  'SHA-256': secretHash('SHA-256', 'alice', 'landbridge', 'wonder'),
  MD5: secretHash('MD5', 'alice', 'landbridge', 'wonder'),
};
const request = { method: 'INVITE', uri: 'sip:+1@gw', body: new Uint8Array() };

interface Attempt {
  readonly password?: string;
  readonly count?: number;
  readonly method?: string;
  readonly uri?: string;
}

/** Answers a challenge, and resolves with the verdict on it. */
function attempt(
  challenge: string,
  { password = 'wonder', count = 1, ...more }: Attempt = {},
  known: SecretHashes | null = secrets,
) {
  const [read] = parseChallenges(challenge);
  if (read === undefined) throw new Error('no challenge');
  const field = answerChallenge(read, { username: 'alice', password }, { ...request, ...more }, { count });
  const credentials = server.read(field);
  return credentials === null ? null : server.verify(credentials, known, request);
}

const challenge = (hash: 'MD5' | 'SHA-256' = 'SHA-256') => server.challenges([hash])[0] ?? '';

describe('The server of digests', () => {
  it('challenges with one value for each hash, the strongest first', () => {
    const values = server.challenges(['MD5', 'SHA-256']);
    expect(values.map((value) => parseChallenges(value)[0]?.hash)).toEqual(['SHA-256', 'MD5']);
    expect(server.challenges(['MD5'], true)[0]).toContain('stale=true');
  });

  it('takes the right password with either hash, and no other password, method or user', () => {
    expect(attempt(challenge())).toBe('right');
    expect(attempt(challenge('MD5'))).toBe('right');
    expect(attempt(challenge(), { password: 'x' })).toBe('wrong');
    expect(attempt(challenge(), { method: 'BYE' })).toBe('wrong');
    expect(attempt(challenge(), { uri: 'sip:+2@gw' })).toBe('wrong');
    expect(attempt(challenge(), {}, null)).toBe('wrong');
    expect(attempt(challenge(), {}, { MD5: secrets.MD5 ?? '' })).toBe('wrong');
  });

  it('says of an answer what it would, as often as one likes, and counts it once', () => {
    const [read] = parseChallenges(challenge());
    const field = answerChallenge(read!, { username: 'alice', password: 'wonder' }, request, { count: 1 });
    const credentials = server.read(field)!;
    const examine = () => server.examine(credentials, secrets, request);
    expect([examine(), examine(), nonces.answeredCount]).toEqual(['right', 'right', 0]);
    expect(server.verify(credentials, secrets, request)).toBe('right');
    expect(examine()).toBe('stale');
  });

  it('takes another host in the URI than that of the request: a proxy may have changed it', () => {
    expect(attempt(challenge(), { uri: 'sip:+1@proxy.example;transport=tcp' })).toBe('right');
  });

  it('takes an answer once, a later one of the same nonce, and some that were overtaken', () => {
    const one = challenge();
    expect([1, 1, 2, 5, 4, 4, 3, 40, 8, 9].map((count) => attempt(one, { count }))).toEqual([
      ...['right', 'stale', 'right', 'right', 'right', 'stale', 'right', 'right', 'stale', 'right'],
    ]);
  });

  it('counts no answer that was wrong: garbage locks nobody out', () => {
    const one = challenge();
    expect(attempt(one, { count: 0xffff, password: 'x' })).toBe('wrong');
    expect(nonces.answeredCount).toBe(0);
    expect(attempt(one)).toBe('right');
  });

  it('says of a right answer to an old nonce that it is stale, of a wrong one that it is wrong', () => {
    const one = challenge();
    nowMs += lifetimeMs + 1;
    expect(attempt(one)).toBe('stale');
    expect(attempt(one, { password: 'x' })).toBe('wrong');
  });

  it('knows no nonce of others, nor its own in another spelling', () => {
    expect(attempt('Digest realm="landbridge", nonce="made up", qop="auth", algorithm=SHA-256')).toBe(
      'missing',
    );
    const [read] = parseChallenges(challenge());
    expect(nonces.stateOf(`${read?.nonce ?? ''}=`)).toBe('foreign');
    const other = new DigestServer('landbridge', new Nonces({ now: () => nowMs, lifetimeMs, maxAnswered }));
    expect(attempt(other.challenges(['SHA-256'])[0] ?? '')).toBe('missing');
  });

  it('keeps so many nonces; those as old as one that had to go are stale, and nothing counts twice', () => {
    const made = Array.from({ length: 5 }, () => {
      nowMs += 1;
      return challenge();
    });
    expect(made.map((one) => attempt(one))).toEqual(Array(5).fill('right'));
    expect(nonces.answeredCount).toBe(maxAnswered);
    expect(made.map((one) => attempt(one, { count: 1 }))).toEqual(Array(5).fill('stale'));
    expect(attempt(made[4] ?? '', { count: 2 })).toBe('right');
    expect(attempt(challenge())).toBe('right');
  });

  it('forgets nonces whose time is over', () => {
    attempt(challenge());
    nowMs += lifetimeMs + 1;
    attempt(challenge());
    expect(nonces.answeredCount).toBe(1);
  });
});

it('What answers a challenge of the server is told from what somebody made up, whether it is right or not', () => {
  const [read] = parseChallenges(challenge());
  if (read === undefined) throw new Error('no challenge');
  const answer = (nonce: string) =>
    answerChallenge({ ...read, nonce }, { username: 'nobody', password: 'x' }, request, { count: 1 });
  expect(server.answersUs(answer(read.nonce))).toBe(true);
  nowMs += lifetimeMs + 1;
  expect(server.answersUs(answer(read.nonce))).toBe(true);
  const others = new Nonces({ now: () => nowMs, lifetimeMs, maxAnswered }).create();
  for (const nonce of ['made up', others, '']) expect(server.answersUs(answer(nonce))).toBe(false);
  for (const field of [undefined, '', 'Basic x', answer(read.nonce).replace('landbridge', 'elsewhere')])
    expect(server.answersUs(field)).toBe(false);
});
