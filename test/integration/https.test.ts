/** https on the gateway's HTTP port, as browsers and attackers meet it. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import WebSocket from 'ws';
import { TestAuthority, type CertificateFilePair } from '../support/certificates.js';
import { TestGateway } from '../support/start-gateway.js';

let authority: TestAuthority;
let main: CertificateFilePair;
let gateway: TestGateway;
const sockets: Socket[] = [];

beforeAll(async () => {
  authority = await TestAuthority.open();
  main = await authority.write('main', await authority.issue({ names: ['gw.example', '127.0.0.1'] }));
  gateway = await TestGateway.start({
    environment: {
      LANDBRIDGE_TLS_CERT: main.cert,
      LANDBRIDGE_TLS_KEY: main.key,
      LANDBRIDGE_TLS_RELOAD_SECONDS: '1',
      LANDBRIDGE_TLS_HANDSHAKE_TIMEOUT_SECONDS: '3',
      LANDBRIDGE_HTTP_MAX_CONNECTIONS_PER_ADDRESS: '20',
    },
  });
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await gateway.stop();
  await authority.remove();
});

/** Status and body. */
function get(path: string, headers: Record<string, string> = {}): Promise<[status: number, body: string]> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: gateway.httpPort,
      path,
      headers,
      ca: authority.certPem,
      agent: false,
    };
    request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve([response.statusCode ?? 0, Buffer.concat(chunks).toString()]));
    })
      .on('error', reject)
      .end();
  });
}

function shakeHands(options: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: gateway.httpPort,
      ca: authority.certPem,
      ...options,
    });
    sockets.push(socket);
    socket.once('secureConnect', () => resolve(socket)).once('error', reject);
  });
}

/** A ClientHello (RFC 8446 §4.1.2) that says to be longer than it is. */
const halfHello = Buffer.from(`16030107d0010007cc0303${'00'.repeat(1900)}`, 'hex');

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => undefined);
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
    socket.resume();
  });

it('says that it speaks https to whoever asks in plain HTTP, and lets go of the connection', async () => {
  const socket = connectTcp(gateway.httpPort, '127.0.0.1');
  sockets.push(socket);
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.write(`GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`);
  await closed(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toContain('This port speaks https');
  expect(answer.length).toBeLessThan(1000);
  expect((await get('/health'))[0]).toBe(200);
});

it('serves the console, REST and health with a certificate that the client believes', async () => {
  expect((await get('/health'))[0]).toBe(200);
  expect((await get('/'))[1]).toContain('<!doctype html>');
  const [status, body] = await get('/v1/accounts/acme/sessions', gateway.rest.headers);
  expect([status, body]).toEqual([200, expect.stringContaining('[') as string]);
});

it('takes a SIP WebSocket by wss', async () => {
  const socket = new WebSocket(`wss://127.0.0.1:${gateway.httpPort}/sip`, 'sip', { ca: authority.certPem });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.send(
    [
      'OPTIONS sip:gateway.example SIP/2.0',
      'Via: SIP/2.0/WSS abc.invalid;branch=z9hG4bKoptions',
      'From: <sip:a@abc.invalid>;tag=1',
      'To: <sip:gateway.example>',
      'Call-ID: over-wss',
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
  const answer = await new Promise<string>((resolve) =>
    socket.once('message', (data: Buffer) => resolve(data.toString())),
  );
  expect(answer).toMatch(/^SIP\/2\.0 200 /);
  socket.terminate();
});

it('ignores an upgrade to HTTP/2 in TLS as it does in the clear', async () => {
  const socket = await shakeHands({ servername: 'gw.example' });
  socket.write(
    'GET /health HTTP/1.1\r\nHost: gw.example\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n',
  );
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await closed(socket);
  expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 200 /);
});

it('refuses what is older than TLS 1.2', async () => {
  await expect(
    shakeHands({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  ).rejects.toThrow();
  expect((await shakeHands({ maxVersion: 'TLSv1.2' })).getCipher().name).toMatch(/^ECDHE-.*GCM|CHACHA/);
});

it('goes on after plain HTTP, rubbish, and handshakes that are never done', async () => {
  const idle = Array.from({ length: 30 }, () => connectTcp(gateway.httpPort, '127.0.0.1'));
  sockets.push(...idle);
  const rubbish = connectTcp(gateway.httpPort, '127.0.0.1');
  const plain = connectTcp(gateway.httpPort, '127.0.0.1');
  sockets.push(rubbish, plain);
  rubbish.write(Buffer.alloc(2000, 0x16));
  plain.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await Promise.all([closed(rubbish), closed(plain)]);
  // There is room for 20 of one address: who does nothing makes room for who asks.
  expect((await get('/health'))[0]).toBe(200);
  await Promise.all(idle.map(closed));
  expect((await get('/health'))[0]).toBe(200);
});

it('closes a handshake that comes octet by octet, at its time-out', async () => {
  const socket = connectTcp(gateway.httpPort, '127.0.0.1');
  sockets.push(socket);
  let sent = 0;
  const sending = setInterval(() => socket.write(halfHello.subarray(sent, ++sent)), 100);
  await closed(socket).finally(() => clearInterval(sending));
  expect(sent).toBeLessThan(halfHello.length);
  expect((await get('/health'))[0]).toBe(200);
});

it('shows a renewed certificate to new connections, and keeps the old ones', async () => {
  const serial = (socket: TLSSocket): string => socket.getPeerCertificate().serialNumber;
  const before = await shakeHands();
  await authority.write('main', await authority.issue({ names: ['gw.example', '127.0.0.1'] }));
  const shown = async (): Promise<string> => {
    const socket = await shakeHands();
    // There is room for 20 of one address, and the one from before the change is to stay.
    const number = serial(socket);
    socket.destroy();
    return number;
  };
  await expect.poll(shown).not.toBe(serial(before));
  before.write('GET /health HTTP/1.1\r\nHost: gw.example\r\nConnection: close\r\n\r\n');
  const chunks: Buffer[] = [];
  before.on('data', (chunk: Buffer) => chunks.push(chunk));
  await closed(before);
  expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 200 /);
  expect(readFileSync(main.cert, 'utf8')).toContain('BEGIN CERTIFICATE');
});
