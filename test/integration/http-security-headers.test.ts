/** What every answer on the HTTP port says to browsers, and what watching machines may cost. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/domain/logger.js';
import { registerDocs } from '../../src/rest/docs.js';
import { createHttpServer, type HttpServer } from '../../src/rest/http-server.js';
import { createOpenApiDocument } from '../../src/rest/openapi.js';
import { createMonitoring } from '../../src/rest/monitoring.js';
import { createWebFiles } from '../../src/rest/web-files.js';

let server: HttpServer;
let origin: URL;
let directory: string;

function monitoring(expose: () => Promise<string>) {
  return createMonitoring({
    notReady: () => Promise.resolve([]),
    metrics: { contentType: 'text/plain', expose },
    version: '0.0.0',
    metricsRefreshMs: 600_000,
  });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'landbridge-pages-'));
  await writeFile(join(directory, 'index.html'), '<!doctype html>');
  await writeFile(join(directory, 'landbridge.js'), 'export {};');
  await writeFile(join(directory, 'landbridge.d.ts'), 'export {};');
  server = createHttpServer({ logger: silentLogger });
  await server.register(createWebFiles({ consoleDirectory: directory, sdkDirectory: directory }));
  await server.register((scope, _, done) => {
    registerDocs(scope, () => createOpenApiDocument([], '0.0.0'));
    done();
  });
  await server.register(monitoring(() => Promise.resolve('figures')));
  server.get('/failing', () => {
    throw new Error('a fault');
  });
  origin = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

describe('Every answer', () => {
  // `/docs` could be put into anybody's frame; most had none of these at all.
  it.each([
    '/',
    '/docs',
    '/docs/openapi.json',
    '/sdk/landbridge.js',
    '/health',
    '/metrics',
    '/nothing',
    '/failing',
    '/%zz',
    `/${'x'.repeat(2000)}`,
  ])('at %s is in no frame, is what it says it is, and tells no other page where one was', async (path) => {
    const { headers } = await fetch(new URL(path, origin));
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('strict-transport-security')).toBeNull();
  });

  it('that Node would give by itself has them, too', async () => {
    const { status, headers } = await new Promise<IncomingMessage>((resolve, reject) => {
      get(new URL('/health', origin), { headers: { expect: 'the-unknown' } }, resolve).on('error', reject);
    }).then((answer) => ({ status: answer.resume().statusCode, headers: answer.headers }));
    expect(status).toBe(417);
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-type']).toMatch(/^application\/json/);
  });

  it('serves the SDK’s types as a text, and its code as code', async () => {
    const typeOf = async (path: string) => (await fetch(new URL(path, origin))).headers.get('content-type');
    expect(await typeOf('/sdk/landbridge.d.ts')).toBe('text/plain; charset=utf-8');
    expect(await typeOf('/sdk/landbridge.js')).toMatch(/javascript/);
  });

  it('leaves the SDK to customers’ pages, and nothing else', async () => {
    const policyAt = async (path: string) =>
      (await fetch(new URL(path, origin))).headers.get('cross-origin-resource-policy');
    expect(await policyAt('/sdk/landbridge.js')).toBe('cross-origin');
    expect(await policyAt('/health')).toBe('same-origin');
  });

  it.each([
    'no HTTP\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    `GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
  ])('to what cannot be read has them, too: %s', async (text) => {
    const socket = connect(Number(origin.port), origin.hostname);
    socket.on('error', () => undefined).write(text);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    const head = answer.toString('latin1');
    expect(head).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(head).toMatch(/^Content-Security-Policy: .*frame-ancestors 'none'/im);
    expect(head).toMatch(/^X-Request-Id: /im);
    socket.destroy();
  });
});

describe('Metrics', () => {
  it('are computed once for all who ask in the time, and anew where they could not be', async () => {
    const own = createHttpServer({ logger: silentLogger });
    let asked = 0;
    const expose = () => {
      asked += 1;
      return asked === 1 ? Promise.reject(new Error('no worker answers')) : Promise.resolve('figures');
    };
    await own.register(monitoring(expose));
    const url = `${await own.listen({ host: '127.0.0.1', port: 0 })}/metrics`;
    expect((await fetch(url)).status).toBe(500);
    const texts = await Promise.all(Array.from({ length: 200 }, async () => (await fetch(url)).text()));
    expect(new Set(texts)).toEqual(new Set(['figures']));
    // 200 times.
    expect(asked).toBe(2);
    await own.close();
  });
});
