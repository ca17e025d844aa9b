/** Clients that hold connections and ask for nothing: the port stays open to everybody else, and nothing of theirs stays. */
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/domain/logger.js';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../src/rest/http-server.js';
import { handleUpgrades } from '../../src/rest/web-socket-upgrades.js';
import { waitFor } from '../support/wait-for.js';

let server: HttpServer;
/** More than the kernels take of an answer that nobody reads. */
const long = Buffer.alloc(8_000_000, 'x');
let endlessAsked = 0;
let filesAsked = 0;
/** Connections that came, open still or not. */
let accepted = 0;
const held: Socket[] = [];
afterEach(async () => {
  for (const socket of held.splice(0)) socket.destroy();
  await server.close();
});

async function start(options: Partial<HttpServerOptions>): Promise<void> {
  server = createHttpServer({ logger: silentLogger, closeGraceSeconds: 1, ...options });
  endlessAsked = filesAsked = 0;
  accepted = 0;
  server.server.on('connection', () => (accepted += 1));
  server.get('/health', () => ({ status: 'ok' }));
  server.get('/long', (_, reply) => reply.send(long));
  server.get('/endless', (_, reply) => {
    endlessAsked += 1;
    return reply.send(new Readable({ read: () => undefined }));
  });
  server.get('/file', (_, reply) => {
    filesAsked += 1;
    const body: Readable = new Readable({ read: () => body.push(Buffer.alloc(65_536)) });
    return reply.send(body);
  });
  server.post('/echo', (request) => request.body);
  const upgrades = handleUpgrades(
    server,
    [
      {
        ...{ path: '/sip', subprotocol: 'sip', maxPayloadBytes: 1000 },
        accept: () => undefined,
        isPassive: () => true,
      },
      { path: '/v3', maxPayloadBytes: 1000, accept: () => undefined },
    ],
    options,
  );
  server.addHook('onClose', (_, done) => {
    upgrades.close();
    done();
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
}

function port(): number {
  return (server.server.address() as AddressInfo).port;
}

/** A client that sends this and then does nothing at all: it neither reads nor closes its side. */
async function hold(text: string, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: port(), localAddress, allowHalfOpen: true });
  // Cut off is what the test wants to see, and counts at the server.
  socket.on('error', () => undefined).pause();
  held.push(socket);
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return socket;
}

async function holdMany(count: number, text: string, localAddress?: string): Promise<void> {
  for (let at = 0; at < count; at += 250) {
    const batch = Math.min(250, count - at);
    await Promise.all(Array.from({ length: batch }, () => hold(text, localAddress)));
  }
}

/** By a connection of its own. */
async function health(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port()}/health`, { headers: { connection: 'close' } });
  await response.text();
  return response.status;
}

/** As many as the kernel has for the process, which is what runs out. */
function open(): Promise<number> {
  return new Promise((resolve) => server.server.getConnections((_, count) => resolve(count)));
}

const upgrade = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const post =
  'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a":';
const passive: readonly (readonly [string, string])[] = [
  ['sends nothing', ''],
  ['sends half a head', 'GET /health HTTP/1.1\r\nHost: x\r\nX-Half'],
  ['sends half a body', post],
  ['sends what is no HTTP', 'INVITE sip:bob@example.com SIP/2.0\r\n\r\n'],
  ['asks for a WebSocket at an unknown path', upgrade('/elsewhere')],
  ['asks for a WebSocket on /sip without the subprotocol', upgrade('/sip')],
  ['asks for a WebSocket with a key that is none', upgrade('/sip').replace(/Key: .*/, 'Key: x')],
  [
    'does not close after an answer that closes',
    'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  ],
  ['asks and then asks nothing more', 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['asks for what does not fit and reads nothing', 'GET /long HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['asks for a file and reads nothing', 'GET /file HTTP/1.1\r\nHost: x\r\n\r\n'],
  [
    'asks for files, one behind the other, and reads nothing',
    'GET /file HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(9),
  ],
  [
    'wants to be told to go on, and does not',
    post.replace('{"a":', '').replace('Content-Length', 'Expect: 100-continue\r\nContent-Length'),
  ],
  [
    'sends chunks that do not end',
    post.replace('Content-Length: 9', 'Transfer-Encoding: chunked').replace('{"a":', '5\r\n{"a":\r\n'),
  ],
  ['asks for nothing with half a body behind it', post.replace('POST /echo', 'GET /health')],
];

describe('A client that', () => {
  // Every descriptor of the first five and of the WebSockets stayed, half-closed, for as long as the client lived.
  it.each(passive)('%s loses its connection, of which nothing is left', async (_, text) => {
    await start({ requestTimeoutSeconds: 1, keepAliveSeconds: 1, lingerSeconds: 1, stalledSeconds: 1 });
    await hold(text);
    await waitFor('it was connected', () => accepted === 1);
    await waitFor('it is gone', async () => (await open()) === 0);
  });

  it('is late is answered 408 at the time-out, not half a minute later', async () => {
    await start({ requestTimeoutSeconds: 2 });
    const beganMs = performance.now();
    const socket = await hold(post);
    const [answer] = (await once(socket.resume(), 'data')) as [Buffer];
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 408 /);
    const tookMs = performance.now() - beganMs;
    expect(tookMs).toBeGreaterThan(1500);
    expect(tookMs).toBeLessThan(20_000);
  });

  it('sends its body octet by octet is answered 408 at the time-out: it holds for the whole request', async () => {
    await start({ requestTimeoutSeconds: 2 });
    const beganMs = performance.now();
    const socket = await hold(post.replace('Length: 9', 'Length: 1000'));
    const sending = setInterval(() => socket.write('x'), 100);
    try {
      const [answer] = (await once(socket.resume(), 'data')) as [Buffer];
      expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 408 /);
      expect(performance.now() - beganMs).toBeLessThan(20_000);
    } finally {
      clearInterval(sending);
    }
  });

  it.each([
    ['a request that was answered before it was whole', post.replace('Length: 9', 'Length: 9999999')],
    ['a request', post.replace('Length: 9', 'Length: 1000')],
    ['a chunk', post.replace('Content-Length: 9', 'Transfer-Encoding: chunked').replace('{"a":', 'fff\r\n')],
    ['a head', 'GET /health HTTP/1.1\r\nHost: x\r\nX-Half: '],
  ])('goes on sending %s, octet by octet, loses its connection', async (_, text) => {
    await start({ requestTimeoutSeconds: 1, keepAliveSeconds: 1, lingerSeconds: 1, stalledSeconds: 1 });
    const socket = await hold(text);
    const sending = setInterval(() => socket.write('x'), 100);
    try {
      await waitFor('it was connected', () => accepted === 1);
      await waitFor('it is gone', async () => (await open()) === 0);
    } finally {
      clearInterval(sending);
    }
  });

  it('waits for a slow answer keeps its connection', async () => {
    await start({ requestTimeoutSeconds: 1, keepAliveSeconds: 1, stalledSeconds: 1 });
    await hold('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
    await hold('');
    await waitFor('both were connected', () => accepted === 2);
    await waitFor('the other one is gone', async () => (await open()) === 1);
  });
});

describe('The HTTP port', () => {
  it('answers everybody while one address opens thousands of connections', async () => {
    await start({});
    await holdMany(3000, '', '127.0.0.2');
    expect(await open()).toBeLessThanOrEqual(500);
    expect(await health()).toBe(200);
  });

  it.each(passive)('answers the address, too, whose every client %s', async (_, text) => {
    await start({ maxConnectionsPerAddress: 30 });
    await holdMany(60, text);
    expect(await open()).toBeLessThanOrEqual(30);
    expect(await health()).toBe(200);
  });

  it('answers when many addresses together hold all connections that there may be', async () => {
    await start({ maxConnections: 500, maxConnectionsPerAddress: 100 });
    for (let host = 2; host < 12; host += 1) await holdMany(100, '', `127.0.0.${host}`);
    expect(await open()).toBeLessThanOrEqual(500);
    expect(await health()).toBe(200);
  });

  it('cuts off nobody whose request is at work to make room', async () => {
    await start({ maxConnections: 100, maxConnectionsPerAddress: 10 });
    const working = [];
    for (let at = 0; at < 10; at += 1) working.push(await hold('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n'));
    await waitFor('they were asked', () => endlessAsked === 10);
    const refused = await hold('');
    await once(refused.resume(), 'end');
    expect(working.every(({ destroyed, readableEnded }) => !destroyed && !readableEnded)).toBe(true);
    expect(await open()).toBe(10);
  });

  it('answers where clients that read little of the files they asked for hold all connections', async () => {
    await start({ maxConnections: 20, maxConnectionsPerAddress: 10 });
    for (const host of [1, 2])
      await holdMany(10, 'GET /file HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2), `127.0.0.${host}`);
    await waitFor('they were asked', () => filesAsked === 20);
    // What the kernels hold of it is read: who does this for ever is never silent.
    for (const socket of held) socket.once('readable', () => void socket.read(1));
    expect(await health()).toBe(200);
    expect(await open()).toBeLessThanOrEqual(20);
  });

  it('answers where WebSockets that came to nothing hold all connections, and cuts off no other WebSocket', async () => {
    await start({ maxConnections: 40, maxConnectionsPerAddress: 30 });
    let isCutOff = false;
    const device = (await hold(upgrade('/v3'))).on('end', () => (isCutOff = true));
    await once(device.resume(), 'data');
    for (let host = 2; host < 6; host += 1) {
      const offer = upgrade('/sip').replace('\r\n\r\n', '\r\nSec-WebSocket-Protocol: sip\r\n\r\n');
      await holdMany(30, offer, `127.0.0.${host}`);
    }
    expect(await health()).toBe(200);
    expect(await open()).toBeLessThanOrEqual(40);
    expect(isCutOff || device.destroyed).toBe(false);
  });

  it('lets a trusted proxy have as many as there may be', async () => {
    await start({ maxConnections: 100, maxConnectionsPerAddress: 10, trustedProxies: ['127.0.0.2'] });
    await holdMany(50, '', '127.0.0.2');
    await waitFor('all are open', async () => (await open()) === 50);
  });
});

describe('WebSockets of one client behind a trusted proxy', () => {
  it('are as many as the client might have without it', async () => {
    await start({ maxConnectionsPerAddress: 3, trustedProxies: ['127.0.0.0/8'] });
    const text = (client: string) =>
      upgrade('/sip').replace(
        '\r\n\r\n',
        `\r\nX-Forwarded-For: ${client}\r\nSec-WebSocket-Protocol: sip\r\n\r\n`,
      );
    const answerTo = async (client: string) => {
      const [answer] = (await once((await hold(text(client))).resume(), 'data')) as [Buffer];
      return answer.toString('latin1').slice(9, 12);
    };
    for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8::3'])
      expect(await answerTo(address)).toBe('101');
    expect(await answerTo('2001:db8::4')).toBe('429');
    expect(await answerTo('192.0.2.1')).toBe('101');
  });
});
