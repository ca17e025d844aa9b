/** WebSockets on the HTTP port: what no door takes is refused in the form of all errors. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { silentLogger } from '../../src/domain/logger.js';
import { createHttpServer, type HttpServer } from '../../src/rest/http-server.js';
import { handleUpgrades, type WebSocketUpgrades } from '../../src/rest/web-socket-upgrades.js';

let server: HttpServer;
let upgrades: WebSocketUpgrades;
/** Answers what was asked of `/slow`. */
let answerSlow: () => void;
let slowAsked: Promise<void>;
beforeEach(async () => {
  server = createHttpServer({ logger: silentLogger });
  server.route({
    method: ['GET', 'POST', 'PUT'],
    url: '/echo',
    handler: (request) => ({ method: request.method, body: request.body ?? null }),
  });
  slowAsked = new Promise((asked) => {
    server.get('/slow', () => {
      asked();
      return new Promise((answer) => (answerSlow = () => answer({ slow: true })));
    });
  });
  const accept = (socket: WebSocket, _request: IncomingMessage, client: string) => socket.send(client);
  upgrades = handleUpgrades(server, [
    { path: '/sip', subprotocol: 'sip', maxPayloadBytes: 1000, accept },
    { path: '/v3', maxPayloadBytes: 1000, accept },
  ]);
  await server.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(async () => {
  upgrades.close();
  await server.close();
});

function port(): number {
  return (server.server.address() as AddressInfo).port;
}

function open(path: string, subprotocol?: string): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${port()}${path}`, subprotocol === undefined ? [] : [subprotocol]);
}

async function refusalOf(socket: WebSocket): Promise<{ status: number; body: unknown }> {
  socket.on('error', () => undefined);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  let text = '';
  for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString('utf8');
  return { status: response.statusCode ?? 0, body: JSON.parse(text) };
}

const requestId = expect.stringMatching(/^[0-9a-f-]{36}$/);

describe('A WebSocket', () => {
  it.each([
    ['/sip', 'sip'],
    ['/sip/', 'sip'],
    ['/v3?token=x', undefined],
  ])('to %s reaches its door, with the client’s address', async (path, subprotocol) => {
    const socket = open(path, subprotocol);
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect(message.toString('utf8')).toBe('127.0.0.1');
    expect(socket.protocol).toBe(subprotocol ?? '');
  });

  it('to a path of no door is answered 404', async () => {
    expect(await refusalOf(open('/elsewhere'))).toEqual({
      status: 404,
      body: { error: 'No WebSocket is taken at this path', code: 'route-not-found', requestId },
    });
  });

  it('with two hosts is answered 400 (RFC 9112 §3.2)', async () => {
    const socket = connect(port(), '127.0.0.1');
    const fields = ['Host: a', 'Host: b', 'Connection: Upgrade', 'Upgrade: websocket'];
    const key = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
    socket.write(['GET /v3 HTTP/1.1', ...fields, ...key, '', ''].join('\r\n'));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 400 .*more than one Host/s);
    socket.destroy();
  });

  it('without the door’s subprotocol is answered 400', async () => {
    for (const socket of [open('/sip'), open('/sip', 'other')]) {
      expect(await refusalOf(socket)).toEqual({
        status: 400,
        body: {
          ...{ error: 'Sec-WebSocket-Protocol: must offer sip', code: 'invalid-request', requestId },
          field: 'Sec-WebSocket-Protocol',
        },
      });
    }
  });

  // The library said so in a text that was called HTML.
  it.each([
    ['with a key that is none', ['Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13'], 'Sec-WebSocket-Key'],
    ['without a key', ['Sec-WebSocket-Version: 13'], 'Sec-WebSocket-Key'],
    ['of a version that nobody knows', [key, 'Sec-WebSocket-Version: 99'], 'Sec-WebSocket-Version'],
    ['that offers badly', [key, 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: sip,'], 'Protocol'],
  ])('%s is refused in the form of all errors, and told our version', async (_what, fields, named) => {
    const text = lines('GET /v3 HTTP/1.1', ...upgradeTo('websocket'), ...fields, '', '');
    const [head = '', body = ''] = (await exchange(text)).split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    for (const field of [
      /^Content-Type: application\/json/m,
      /^X-Content-Type-Options: nosniff/m,
      /^Content-Security-Policy: .*frame-ancestors 'none'/m,
      /^X-Frame-Options: DENY/m,
      /^Referrer-Policy: no-referrer/m,
      /^Sec-WebSocket-Version: 13/im,
    ])
      expect(head).toMatch(field);
    expect(JSON.parse(body)).toEqual({
      error: expect.stringContaining(named),
      code: 'invalid-request',
      requestId,
    });
  });
});

/** Sends the text, in these parts, and resolves with everything that comes back until the server closes. */
async function exchange(...parts: string[]): Promise<string> {
  const socket = connect(port(), '127.0.0.1').setNoDelay().setEncoding('latin1');
  let answer = '';
  socket.on('data', (chunk: string) => (answer += chunk));
  const closed = once(socket, 'close');
  for (const part of parts) await new Promise((written) => socket.write(part, 'latin1', written));
  await closed;
  return answer;
}

const lines = (...all: string[]) => all.join('\r\n');
const upgradeTo = (name: string) => ['Host: x', 'Connection: Upgrade, HTTP2-Settings', `Upgrade: ${name}`];
const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const last = 'GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
const json = ['Content-Type: application/json', 'Content-Length: 7'];

describe('An upgrade that we do not know', () => {
  // Each was answered 404 "No WebSocket is taken at this path", and the connection stayed open.
  it.each(['h2c', 'H2C', 'HTTP/2.0', 'TLS/1.0', 'foo/1, bar'])('%s is ignored', async (name) => {
    const answer = await exchange(lines('GET /echo HTTP/1.1', ...upgradeTo(name), '', ''), last);
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(answer).not.toMatch(/^upgrade:/im);
  });

  it('is ignored with a body behind it, whole, in pieces and in chunks', async () => {
    const head = lines('POST /echo HTTP/1.1', ...upgradeTo('h2c'), ...json, '', '');
    const chunked = lines(
      ...['PUT /echo HTTP/1.1', ...upgradeTo('h2c'), 'Content-Type: application/json'],
      ...['Transfer-Encoding: chunked', '', '3', '{"a', '4', '":1}', '0', '', ''],
    );
    for (const parts of [[`${head}{"a":1}`], [head, '{"a', '":1}'], [chunked]]) {
      const answer = await exchange(...parts, last);
      expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
      expect(answer).toContain('"body":{"a":1}');
    }
  });

  it('is ignored in HTTP/1.0, WebSocket or not', async () => {
    for (const name of ['h2c', 'websocket']) {
      const answer = await exchange(lines('GET /echo HTTP/1.0', ...upgradeTo(name), '', ''));
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    }
  });

  it('is ignored where no WebSocket can come of it: another method, or no key at a path of no door', async () => {
    const fields = [...upgradeTo('websocket'), ...json];
    for (const start of ['POST /echo HTTP/1.1', 'GET /echo HTTP/1.1']) {
      const answer = await exchange(`${lines(start, ...fields, '', '')}{"a":1}`, last);
      expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    }
  });

  it('is ignored with as many fields as fit, of which none is lost', async () => {
    // Behind the thousandth they were, and what came as a body was read as the next request.
    const many = [...Array.from({ length: 2400 }, () => 'a:1'), ...json];
    for (const fields of [upgradeTo('h2c'), ['Host: x']]) {
      const answer = await exchange(
        `${lines('POST /echo HTTP/1.1', ...fields, ...many, '', '')}{"a":1}`,
        last,
      );
      expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
      expect(answer).toContain('"body":{"a":1}');
    }
  });

  it('is ignored again and again, and behind a request that is not answered yet', async () => {
    const upgraded = lines('GET /echo HTTP/1.1', ...upgradeTo('h2c'), '', '');
    const answer = exchange(`GET /slow HTTP/1.1\r\nHost: x\r\n\r\n${upgraded}${upgraded}`, last);
    await slowAsked;
    answerSlow();
    const text = await answer;
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(4);
    expect(text.indexOf('slow')).toBeLessThan(text.indexOf('GET'));
  });

  it('whose client resets the connection while it waits for its turn harms nobody', async () => {
    // An error that nobody hears would end the process, and every call with it.
    const closed = new Promise<void>((resolve) =>
      server.server.once('connection', (taken: Socket) => taken.once('close', () => resolve())),
    );
    const socket = connect(port(), '127.0.0.1');
    socket.write(
      `GET /slow HTTP/1.1\r\nHost: x\r\n\r\n${lines('GET /echo HTTP/1.1', ...upgradeTo('h2c'), '', '')}`,
    );
    await slowAsked;
    socket.resetAndDestroy();
    await closed;
    answerSlow();
    expect(await exchange(lines('GET /echo HTTP/1.1', 'Host: x', '', ''), last)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('beside a WebSocket is not what the client gets', async () => {
    const socket = connect(port(), '127.0.0.1');
    socket.write(
      lines('GET /v3 HTTP/1.1', ...upgradeTo('h2c, websocket'), key, 'Sec-WebSocket-Version: 13', '', ''),
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 101 /);
    socket.destroy();
  });
});
