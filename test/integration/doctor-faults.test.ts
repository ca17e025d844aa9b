/** What a gateway that breaks off, or answers something else, has the doctor say: a finding, and no stack. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { runDoctor } from '../../src/doctor/doctor.js';
import { callOneself } from '../../src/doctor/self-call.js';

let server: Server;
async function serve(listener: RequestListener): Promise<number> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(
  () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
);

const cut: RequestListener = (request) => void request.socket.destroy();
const answer =
  (body: unknown, status = 200): RequestListener =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const perMethod =
  (listeners: Readonly<Record<string, RequestListener>>): RequestListener =>
  (request, response) =>
    listeners[request.method ?? '']?.(request, response);

const call = async (listener: RequestListener) =>
  callOneself({
    gateway: { isTls: false, host: '127.0.0.1', port: await serve(listener) },
    ...{ accountId: 'acme', authorization: 'Basic x' },
    // Nobody listens at port 9 of this machine.
    targets: [{ uri: 'sip:join@127.0.0.1:9;transport=tcp', isPublic: false }],
  });
const made = answer({ participant: { id: 'p1' }, token: 'a.b.c' }, 201);

describe('A call to itself', () => {
  it.each([
    ['breaks off', cut],
    ['answers null', answer(null)],
    ['answers a participant that is none', answer({ participant: null, token: 5 })],
    ['answers what it does not know', answer({ participant: { id: 7 }, token: {} })],
    ['refuses', answer({ errors: [] }, 401)],
  ])('where REST %s fails with one line', async (_, listener) => {
    expect(await call(listener)).toMatchObject([{ level: 'fail', what: 'call to itself' }]);
  });

  it.each([
    ['breaks off', cut],
    ['refuses', answer({}, 503)],
  ])('says of the participant that it is still there, where its removal %s', async (_, remove) => {
    expect(await call(perMethod({ POST: made, DELETE: remove }))).toMatchObject([
      { level: 'fail', what: 'call to itself' },
      { level: 'warn', text: expect.stringContaining('p1') as string },
    ]);
  });

  it('says nothing of a participant that was removed', async () => {
    const findings = await call(perMethod({ POST: made, DELETE: answer(null, 204) }));
    expect(findings).toMatchObject([{ level: 'fail', what: 'call to itself' }]);
  });
});

describe('The doctor', () => {
  const look = async (listener: RequestListener, environment: Record<string, string> = {}) => {
    const lines: string[] = [];
    const code = await runDoctor({
      configFile: undefined,
      environment: {
        LANDBRIDGE_HTTP_PORT: String(await serve(listener)),
        LANDBRIDGE_PASSWORD: 'a password that is long',
        LANDBRIDGE_DATA_DIR: tmpdir(),
        ...environment,
      },
      workingDirectory: tmpdir(),
      print: (line) => lines.push(line),
    });
    return { code, lines };
  };

  it.each([
    ['reasons that are none', { version: '1', reasons: 5 }],
    ['reasons of null', { version: '1', reasons: null }],
    ['reasons without words', { version: '1', reasons: [null] }],
  ])('goes on to its last line where the gateway is not ready for %s', async (_, body) => {
    const listener: RequestListener = (request, response) =>
      answer(body, request.url === '/ready' ? 503 : 200)(request, response);
    const { code, lines } = await look(listener);
    expect([code, lines.filter((line) => line.startsWith('FAIL  ready'))]).toMatchObject([
      1,
      [expect.any(String)],
    ]);
    expect(lines.at(-1)).toContain('to think about');
  });

  it('goes on where the data directory is a file', async () => {
    const { lines } = await look(answer({ version: '1' }, 503), { LANDBRIDGE_DATA_DIR: '/dev/null' });
    expect(lines.filter((line) => line.startsWith('FAIL  data directory'))).toHaveLength(1);
    expect(lines.some((line) => line.includes('gateway'))).toBe(true);
  });
});
