import { describe, expect, it } from 'vitest';
import { DigestClient } from './digest-client.js';
import { DigestServer } from './digest-server.js';
import { secretHash, type DigestHash } from './hash.js';
import { Nonces } from './nonces.js';

const secret = { username: 'us', password: 'right' };
const request = { method: 'REGISTER', uri: 'sip:example.com', body: new Uint8Array() };

function server(realm = 'example.com') {
  const clock = { now: 1 };
  const digest = new DigestServer(
    realm,
    new Nonces({ now: () => clock.now, lifetimeMs: 1000, maxAnswered: 10 }),
  );
  const secrets = Object.fromEntries(
    (['SHA-256', 'MD5'] as const).map((hash) => [
      hash,
      secretHash(hash, secret.username, realm, secret.password),
    ]),
  );
  return {
    clock,
    challenge: (hashes: readonly DigestHash[] = ['MD5'], isStale = false) =>
      digest.challenges(hashes, isStale).join(', '),
    judge(answer: string | undefined) {
      const credentials = digest.read(answer);
      return credentials === null ? 'missing' : digest.verify(credentials, secrets, request);
    },
  };
}

const asks = (field: string) => (name: string) => (name === 'WWW-Authenticate' ? field : undefined);

describe('A digest client', () => {
  it('answers the topmost challenge that it knows, again and again with the same nonce', () => {
    const { challenge, judge } = server();
    const client = new DigestClient(secret);
    expect(client.answers(request)).toEqual({});
    expect(client.challenged(asks(challenge(['SHA-256', 'MD5'])))).toBe('answerable');
    for (let times = 0; times < 3; times += 1) {
      const answer = client.answers(request)['Authorization'];
      expect(answer).toContain('algorithm=SHA-256');
      expect(judge(answer)).toBe('right');
    }
    client.forget();
    expect(client.answers(request)).toEqual({});
  });

  it('takes a nonce that was answered and comes again for a wrong password, unless it is stale', () => {
    const { challenge } = server();
    const client = new DigestClient(secret);
    const asked = challenge();
    client.challenged(asks(asked));
    client.answers(request);
    expect(client.challenged(asks(asked))).toBe('wrong');
    expect(client.challenged(asks(`${asked}, stale=true`))).toBe('answerable');
    expect(client.answers(request)['Authorization']).toContain('nc=00000002');
    expect(client.challenged(asks(challenge()))).toBe('answerable');
  });

  it('answers proxies in their field, beside the other', () => {
    const { challenge } = server();
    const client = new DigestClient(secret);
    client.challenged(asks(challenge()));
    client.challenged((name) => (name === 'Proxy-Authenticate' ? challenge() : undefined));
    expect(Object.keys(client.answers(request))).toEqual(['Authorization', 'Proxy-Authorization']);
  });

  it.each([
    ['without a secret', new DigestClient(null), server().challenge()],
    ['of another realm than it is for', new DigestClient(secret, 'example.com'), server('evil').challenge()],
    ['of an unknown algorithm', new DigestClient(secret), 'Digest realm="r", nonce="n", algorithm=X'],
    ['of another scheme', new DigestClient(secret), 'Basic realm="r"'],
  ])('answers no challenge %s', (_, client, field) => {
    expect(client.challenged(asks(field))).toBe('unanswerable');
    expect(client.challenged(() => undefined)).toBe('unanswerable');
    expect(client.answers(request)).toEqual({});
  });
});
