/** A closing HTTP server waits for answers in progress and for nothing else. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createHttpServer } from '../../src/rest/http-server.js';

const ignore = () => undefined;
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => logger };

describe('a closing HTTP server', () => {
  it('ends a connection that never brought a request, and lets a request in progress be answered', async () => {
    const server = createHttpServer({ logger });
    let answer: (text: string) => void = ignore;
    const asked = new Promise<void>((resolve) => {
      server.get('/', () => {
        resolve();
        return new Promise<string>((reply) => (answer = reply));
      });
    });
    const address = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
    const silent = connect(Number(address.port), address.hostname);
    await once(silent, 'connect');
    const response = fetch(address);
    await asked;

    const closed = server.close();
    await once(silent.resume(), 'close');
    answer('done');
    expect(await (await response).text()).toBe('done');
    await closed;
  });

  it('cuts off, after a while, an answer that nobody fetches', async () => {
    const server = createHttpServer({ logger, closeGraceSeconds: 0.05 });
    const endless = new Readable({ read: () => undefined });
    server.get('/', () => endless);
    const address = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
    const client = connect(Number(address.port), address.hostname);
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    endless.push('a beginning');
    await once(client, 'data');
    const ends = [once(client, 'close'), once(endless, 'close')];
    await server.close();
    await Promise.all(ends);
  });
});
