/** Bytes that no HTTP library would send. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountId, basic, startRestServer, type RestServer } from '../support/rest-server.js';

let server: RestServer;
beforeAll(async () => {
  server = await startRestServer();
});
afterAll(() => server.close());

/** Sends the text and resolves with everything that comes back until the server closes. */
async function exchange(text: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
  socket.on('error', () => undefined);
  socket.write(text, 'latin1');
  await once(socket, 'close');
  return answer;
}

const head = (method: string, path: string, ...fields: string[]) =>
  [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    `Authorization: ${basic}`,
    'Connection: close',
    ...fields,
    '',
    '',
  ].join('\r\n');
const sessions = `/v1/accounts/${accountId}/sessions`;

const body = (bytes: string, ...fields: string[]) =>
  `${head('POST', sessions, 'Content-Type: application/json', `Content-Length: ${bytes.length}`, ...fields)}${bytes}`;

describe('A body', () => {
  // Each was taken: `J\xf6rg` in Latin-1 became `J\ufffdrg`, U+0000 ended the text at the next reading.
  it.each([
    ['that is Latin-1', body('{"tag":"J\xf6rg"}'), 400, 'The request body is not UTF-8'],
    ['that ends within a character', body('{"tag":"\xc3"}'), 400, 'The request body is not UTF-8'],
    ['that is UTF-16', body('{\0}\0'), 400, 'not valid JSON'],
    ['with U+0000 in a value', body('{"tag":"a\\u0000b"}'), 400, '"field":"tag"'],
    ['with U+0000 in a name', body('{"a":{"x\\u0000":1}}'), 400, '"field":"a"'],
    ['with half a pair deep within', body('{"a":[{"b":"\\ud83d"}]}'), 400, '"field":"a.0.b"'],
    ['that says to be compressed', body('{}', 'Content-Encoding: gzip'), 415, 'content encoding'],
  ])('%s is refused', async (_, text, status, words) => {
    const answer = await exchange(text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain(words);
  });

  it.each([
    ['with a byte order mark', body('\xef\xbb\xbf{"tag":"x"}'), '"tag":"x"'],
    ['with a character beyond 16 bits', body('{"tag":"\xf0\x9f\x93\x9e"}'), '"tag":"\xf0\x9f\x93\x9e"'],
    ['with a pair in escapes', body('{"tag":"\\ud83d\\udcde"}'), '"tag":"\xf0\x9f\x93\x9e"'],
    ['that says to be as it is', body('{"tag":"x"}', 'Content-Encoding: identity'), '"tag":"x"'],
    ['deeper than any stack', body(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`), '"id"'],
  ])('%s is taken', async (_, text, words) => {
    const answer = await exchange(text);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain(words);
  });
});

describe('The HTTP server', () => {
  it('takes a JSON content type with an empty body as no body', async () => {
    const answer = await exchange(
      head('POST', sessions, 'Content-Type: application/json', 'Content-Length: 0'),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('says what may be done at a path to whoever asks', async () => {
    const answer = await exchange(head('OPTIONS', sessions));
    expect(answer).toMatch(/^HTTP\/1\.1 405 /);
    expect(answer.toLowerCase()).toContain('\r\nallow: post, get\r\n');
  });

  it.each(['a=1', 'a=1&a=2', '=1'])('refuses the query ?%s, which it does not know', async (query) => {
    expect(await exchange(head('GET', `${sessions}?${query}`))).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('asks for one value where two are given', async () => {
    const answer = await exchange(head('GET', `${sessions}?limit=1&limit=2`));
    expect(answer).toContain('"error":"limit: must be given once"');
  });

  it('takes a chunked body', async () => {
    const fields = ['Content-Type: application/json; charset=utf-8', 'Transfer-Encoding: chunked'];
    const answer = await exchange(
      `${head('POST', sessions, ...fields)}a\r\n{"tag":"x"\r\n1\r\n}\r\n0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('"tag":"x"');
  });

  it('answers 413 to a length that is too great, without waiting for the bytes', async () => {
    const answer = await exchange(
      head('POST', sessions, 'Content-Type: application/json', 'Content-Length: 99999999'),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(
      /\{"error":"The request body is too large","code":"body-too-large","requestId":"[0-9a-f-]{36}"\}/,
    );
  });

  it.each([
    ['what is no HTTP', 'INVITE sip:bob@example.com SIP/2.0\r\n\r\n', 400],
    ['binary', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
    ['a header that never ends', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['two lengths', head('POST', sessions, 'Content-Length: 1', 'Content-Length: 2'), 400],
    [
      'length and chunks (request smuggling)',
      `${head('POST', sessions, 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      400,
    ],
    ['no host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['two hosts', head('GET', sessions, 'Host: other.example'), 400],
    ['one host twice', head('GET', sessions, 'Host: localhost'), 400],
    ['a host that is none', head('GET', sessions).replace('Host: localhost', 'Host: a b'), 400],
    ['a bad escape in the path', head('GET', `${sessions}/%zz`), 400],
    [
      'a body shorter than it said is 400 JSON',
      `${head('POST', sessions, 'Content-Type: application/json', 'Content-Length: 3')}{"a`,
      400,
    ],
    ['a NUL in the path', head('GET', `${sessions}/%00`), 400],
    ['a path longer than any', head('GET', `${sessions}/${'x'.repeat(2000)}`), 414],
    ['an upgrade to nothing known', head('GET', sessions, 'Upgrade: h2c'), 200],
    [
      'an Authorization that is no ASCII',
      [
        'GET ' + sessions + ' HTTP/1.1',
        'Host: a',
        'Connection: close',
        'Authorization: Basic \xff\xfe',
        '',
        '',
      ].join('\r\n'),
      401,
    ],
  ])('survives %s', async (what, text, status) => {
    const answer = await exchange(text);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    // Node itself answers that, without a body.
    if (status >= 400 && what !== 'no host')
      expect(answer).toMatch(/"code":"[a-z-]+","requestId":"[0-9a-f-]{36}"/);
    const response = await server.request('GET', '/sessions');
    expect(response.status).toBe(200);
  });

  it('survives a client that leaves in the middle of a body', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`${head('POST', sessions, 'Content-Type: application/json', 'Content-Length: 100')}{"tag":`);
    socket.resetAndDestroy();
    await once(socket, 'close');
    expect((await server.request('GET', '/sessions')).status).toBe(200);
  });
});
