/** Clients that send more than they wait for, on one connection: it is theirs that suffers. */
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { silentLogger } from '../../src/domain/logger.js';
import { createHttpServer, type HttpServer } from '../../src/rest/http-server.js';
import { handleUpgrades, type WebSocketUpgrades } from '../../src/rest/web-socket-upgrades.js';

let server: HttpServer;
let upgrades: WebSocketUpgrades;
let asked: number;
let answerSlow: () => void;
/** Bodies that were opened, like files, and are not closed. */
let openBodies: number;
let mostBodies: number;
const sockets: Socket[] = [];

beforeEach(async () => {
  server = createHttpServer({ logger: silentLogger, maxRequestsAhead: 8 });
  asked = openBodies = mostBodies = 0;
  const slow = new Promise((answer) => (answerSlow = () => answer('slow')));
  server.get('/slow', () => slow);
  server.get('/file', (_, reply) => {
    openBodies += 1;
    mostBodies = Math.max(mostBodies, openBodies);
    const body = new Readable({ read: () => body.push(Buffer.alloc(65_536)) });
    return reply.send(body.once('close', () => (openBodies -= 1)));
  });
  server.get('/closing', (_, reply) => reply.header('connection', 'close').send('closing'));
  server.get('/:name', (request) => {
    asked += 1;
    return (request.params as { name: string }).name;
  });
  upgrades = handleUpgrades(server, [
    {
      path: '/echo',
      maxPayloadBytes: 100_000,
      accept: (socket) => socket.on('message', (m) => socket.send(m)),
    },
  ]);
  await server.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  upgrades.close();
  await server.close();
});

const port = () => (server.server.address() as AddressInfo).port;
const get = (path: string, ...fields: string[]) =>
  [`GET ${path} HTTP/1.1`, 'Host: x', ...fields, '', ''].join('\r\n');

/** Sends this at once; what has come back so far, and whether the connection is over. */
async function send(text: string) {
  const socket = connect(port(), '127.0.0.1').setEncoding('latin1');
  sockets.push(socket);
  const heard = { text: '', isOver: false };
  socket.on('data', (chunk: string) => (heard.text += chunk)).on('error', () => undefined);
  socket.on('close', () => (heard.isOver = true));
  await once(socket, 'connect');
  socket.write(text);
  return { heard, over: () => new Promise<void>((resolve) => void socket.once('close', () => resolve())) };
}

/** `fetch` by a connection of its own. */
async function others(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port()}/other`, { headers: { connection: 'close' } })).text();
}

describe('Requests sent ahead of their answers', () => {
  it('are answered in their order, as many as there may be, and again', async () => {
    const { heard } = await send(get('/slow') + [1, 2, 3, 4, 5, 6, 7].map((n) => get(`/${n}`)).join(''));
    answerSlow();
    await expect.poll(() => heard.text).toContain('\r\n\r\n7');
    expect(heard.text.match(/(?<=\r\n\r\n)(?:slow|\d)/g)).toEqual(['slow', ...'1234567']);
    sockets[0]!.write(get('/8', 'Connection: close'));
    await expect.poll(() => heard.isOver).toBe(true);
    expect(heard.text).toContain('\r\n\r\n8');
  });

  // Each held a file from the start, and who left before his answers left all but one open for ever.
  it('hold one file open at a time, and none when their client is gone', async () => {
    for (let n = 0; n < 5; n += 1) {
      await send(get('/file').repeat(8));
      sockets.at(-1)!.pause();
    }
    await expect.poll(() => openBodies).toBe(5);
    for (const socket of sockets) socket.resetAndDestroy();
    await expect.poll(() => openBodies).toBe(0);
    expect(mostBodies).toBe(5);
  });

  it('are not served behind an answer that ends the connection', async () => {
    const { heard, over } = await send(get('/closing') + get('/file') + get('/x'));
    await over();
    expect(heard.text).toContain('\r\n\r\nclosing');
    expect([asked, mostBodies]).toEqual([0, 0]);
  });

  // Ten thousand took the whole process for seconds, calls and all; twenty such clients half a gigabyte.
  it.each([
    ['to what is answered at once', '/x'],
    ['to what is answered late', '/slow'],
    ['that expect what we do not know', '/x', 'Expect: the-unknown'],
    ['that want to be told to go on', '/x', 'Expect: 100-continue'],
  ])('cut the connection off where they are too many: %s', async (_what, path, ...fields) => {
    const { heard, over } = await send(get(path) + get('/x', ...fields).repeat(10_000));
    await over();
    expect(asked).toBeLessThanOrEqual(8);
    expect(heard.text.length).toBeLessThan(10_000);
    expect(await others()).toBe('other');
  });

  it('may be as many in a row as they like, one after the other', async () => {
    const { heard } = await send('');
    for (let n = 0; n < 50; n += 1) {
      sockets[0]!.write(get(`/n${n}-`));
      await expect.poll(() => heard.text, { interval: 1 }).toContain(`n${n}-`);
    }
    expect(heard.isOver).toBe(false);
  });
});

describe('Upgrades that nobody knows, on one connection', () => {
  it('are ignored a hundred times; with the last it is closed, whatever stands behind', async () => {
    const { heard, over } = await send(get('/x', 'Connection: Upgrade', 'Upgrade: h2c').repeat(2000));
    await over();
    expect(asked).toBe(100);
    expect(heard.text.match(/^connection: close/gim)).toHaveLength(1);
    expect(await others()).toBe('other');
  });
});

describe('A WebSocket message in pieces', () => {
  async function open(): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${port()}/echo`);
    await once(socket, 'open');
    return socket;
  }

  it('is put together', async () => {
    const socket = await open();
    for (let n = 0; n < 255; n += 1) socket.send('x', { fin: false });
    socket.send('y', { fin: true });
    const [message] = (await once(socket, 'message')) as [Buffer];
    expect(message.toString()).toBe(`${'x'.repeat(255)}y`);
    socket.close();
  });

  it('that never ends closes it, long before there are as many as there may be octets', async () => {
    const socket = await open();
    for (let n = 0; n < 300; n += 1) socket.send('x', { fin: false });
    expect((await once(socket, 'close'))[0]).toBe(1008);
    expect(await others()).toBe('other');
  });
});
