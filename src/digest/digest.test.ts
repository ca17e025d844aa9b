import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatChallenge, parseChallenges } from './challenge.js';
import { answerChallenge, parseCredentials } from './credentials.js';
import { digestResponse, hashText, secretHash, type DigestHash, type DigestInput } from './hash.js';
import { quote, readSchemes } from './parameters.js';

const none = new Uint8Array();

describe('The response', () => {
  const rfc7616 = {
    username: 'Mufasa',
    realm: 'http-auth@example.org',
    password: 'Circle of Life',
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    uri: '/dir/index.html',
  };
  function responseOf(hash: DigestHash, changes: Partial<DigestInput & typeof rfc7616> = {}): string {
    const { username, realm, password, ...input } = { ...rfc7616, ...changes };
    return digestResponse({
      ...{ hash, isSession: false, qop: 'auth', nc: '00000001', method: 'GET', body: none },
      secretHash: secretHash(hash, username, realm, password),
      ...input,
    });
  }

  it('is that of RFC 7616 §3.9.1', () => {
    expect(responseOf('MD5')).toBe('8ca523f5e9506fed4657c9700eebdbec');
    expect(responseOf('SHA-256')).toBe('753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1');
  });

  it('has the hash of RFC 7616 §3.9.2 for SHA-512-256, as its erratum 4897 has it', () => {
    expect(hashText('SHA-512-256', 'J\u00e4s\u00f8n Doe:api@example.org')).toBe(
      '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b',
    );
  });

  it('is that of RFC 2617 §3.5, and of RFC 2069 without qop', () => {
    const example = {
      ...{ realm: 'testrealm@host.com', password: 'Circle Of Life', cnonce: '0a4f113b' },
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
    };
    expect(responseOf('MD5', example)).toBe('6629fae49393a05397450978507c4ef1');
    expect(responseOf('MD5', { ...example, qop: null })).toBe('670fd8c2df070c60b045671b8b24ff02');
  });

  it('covers the body with auth-int, and the nonces in the secret with -sess', () => {
    const int = { qop: 'auth-int' } as const;
    expect(responseOf('MD5', { ...int, body: Buffer.from('x') })).not.toBe(responseOf('MD5', int));
    expect(responseOf('MD5', { body: Buffer.from('x') })).toBe(responseOf('MD5'));
    expect(responseOf('MD5', { isSession: true })).not.toBe(responseOf('MD5'));
  });
});

describe('Challenges', () => {
  it('are read in their order, from one field or several, and those that nobody knows are passed over', () => {
    const field =
      'Digest realm="a", nonce="n1", algorithm=SHA-1024, qop="auth",  Bearer abc==,Digest\r\n\trealm="b",nonce="n2" , algorithm=sha-256, qop="auth,auth-int", stale=TRUE, opaque="o, p", Digest realm="c \\"d\\"", nonce="n3"';
    expect(parseChallenges(field)).toEqual([
      {
        ...{ realm: 'b', nonce: 'n2', hash: 'SHA-256', isSession: false, algorithm: 'sha-256' },
        ...{ qop: ['auth', 'auth-int'], opaque: 'o, p', isStale: true },
      },
      {
        ...{ realm: 'c "d"', nonce: 'n3', hash: 'MD5', isSession: false, algorithm: null },
        ...{ qop: [], opaque: null, isStale: false },
      },
    ]);
  });

  it.each(['', 'Digest', 'Digest realm="a"', 'Digest realm="a', 'Basic realm="a", nonce="n"', '=,=', '"'])(
    'there are none in %j',
    (field) => {
      expect(parseChallenges(field)).toEqual([]);
    },
  );

  it('that ask for a quality that nobody knows are passed over', () => {
    expect(parseChallenges('Digest realm="a", nonce="n", qop="auth-more"')).toEqual([]);
  });

  it('are read as they were written', () => {
    const text = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(text, text, fc.boolean(), (realm, nonce, isStale) => {
        const [read] = parseChallenges(formatChallenge({ realm, nonce, hash: 'SHA-256', isStale }));
        expect(read).toMatchObject({ realm, nonce, hash: 'SHA-256', qop: ['auth'], isStale });
      }),
    );
  });

  it('of any text are read in linear time, without an error', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        readSchemes(text);
        readSchemes(`Digest ${quote(text)}=${text}`);
      }),
    );
    expect(readSchemes('Digest '.repeat(100_000))).toEqual([]);
  });
});

describe('Credentials', () => {
  const request = { method: 'INVITE', uri: 'sip:+1@gw', body: none };
  const challengeOf = (field: string) => {
    const [challenge] = parseChallenges(field);
    if (challenge === undefined) throw new Error('no challenge');
    return challenge;
  };
  const secret = { username: 'a "user"', password: 'p' };

  it('answer a challenge with what it asks for', () => {
    const challenge = challengeOf(
      'Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256, opaque="o"',
    );
    const field = answerChallenge(challenge, secret, request, { count: 11, cnonce: 'c' });
    expect(field).toContain(', qop=auth, nc=0000000b, opaque="o"');
    expect(parseCredentials(field, 'r')).toMatchObject({
      ...{
        username: secret.username,
        realm: 'r',
        nonce: 'n',
        uri: request.uri,
        hash: 'SHA-256',
        qop: 'auth',
      },
      ...{ nc: '0000000b', cnonce: 'c', isSession: false },
      response: digestResponse({
        ...{ hash: 'SHA-256', isSession: false, nonce: 'n', qop: 'auth', nc: '0000000b', cnonce: 'c' },
        secretHash: secretHash('SHA-256', secret.username, 'r', 'p'),
        ...request,
      }),
    });
  });

  it('have no nc, cnonce or algorithm where the challenge has no qop and none', () => {
    const field = answerChallenge(challengeOf('Digest realm="r", nonce="n"'), secret, request, { count: 1 });
    expect(field).not.toMatch(/nc=|cnonce|qop|algorithm/);
    expect(parseCredentials(field, 'r')).toMatchObject({ qop: null, nc: '', hash: 'MD5' });
  });

  it('are those for the realm that is asked for', () => {
    const [one, other] = ['a', 'b'].map((realm) =>
      answerChallenge(challengeOf(`Digest realm="${realm}", nonce="n${realm}"`), secret, request, {
        count: 1,
      }),
    );
    expect(parseCredentials(`${one}, ${other}`, 'b')?.nonce).toBe('nb');
    expect(parseCredentials(`${one}, ${other}`, 'c')).toBeNull();
  });

  it.each([
    'qop=auth, nc=1, cnonce="c"',
    'qop=auth, nc=00000001',
    'qop=other',
    'algorithm=SHA-1',
    'algorithm=MD5-sess',
  ])('with %s are none', (more) => {
    expect(
      parseCredentials(`Digest username="u", realm="r", nonce="n", uri="u", response="x", ${more}`, 'r'),
    ).toBeNull();
  });
});
