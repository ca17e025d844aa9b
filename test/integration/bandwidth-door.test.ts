/** The device door of the whole gateway, spoken to by a WebSocket that means no good, or too well. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';

interface Answer {
  readonly id?: number | null;
  readonly result?: object;
  readonly error?: { readonly code: number };
}

let gateway: TestGateway;
let sessionId: string;
const sockets: WebSocket[] = [];
const tokens: string[] = [];

beforeAll(async () => {
  gateway = await TestGateway.start();
  sessionId = await gateway.rest.createSession();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close(1000);
  await gateway.idle();
});
afterAll(() => gateway.stop());

async function newToken(): Promise<string> {
  const { token } = await gateway.rest.newcomer(sessionId);
  tokens.push(token);
  return token;
}

async function open(query: string, path = '/v3/'): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.httpPort}${path}?${query}`);
  sockets.push(socket);
  await once(socket, 'open');
  return socket;
}

async function device(path?: string): Promise<WebSocket> {
  return open(`token=${await newToken()}&client=browser&sdkVersion=1&uniqueId=device`, path);
}

async function ask(socket: WebSocket, message: string): Promise<Answer> {
  const answered = once(socket, 'message');
  socket.send(message);
  const [data] = (await answered) as [Buffer];
  return JSON.parse(data.toString()) as Answer;
}

const ping = '{"jsonrpc":"2.0","method":"ping","params":{},"id":1}';

describe('the device door', () => {
  it.each(['/v3', '/v3/'])('is at %s', async (path) => {
    const socket = await device(path);
    expect(await ask(socket, ping)).toMatchObject({ id: 1, result: {} });
    expect(await gateway.rest.legs()).toMatchObject([{ kind: 'browser', callId: 'device', streams: [] }]);
  });

  it('closes with 1000 what shows no token, and what shows one of another kind', async () => {
    for (const [query, reason] of [
      ['', 'token-missing'],
      ['token=', 'token-missing'],
      ['token=%ff%00', 'token-invalid'],
      [`token=${'x'.repeat(8000)}`, 'token-invalid'],
    ] as const) {
      const socket = await open(query);
      const [code, text] = (await once(socket, 'close')) as [number, Buffer];
      expect([code, text.toString()]).toEqual([1000, reason]);
    }
  });

  it('answers nonsense as JSON-RPC has it, and the device stays connected', async () => {
    const socket = await device();
    const request = (method: string, params: unknown): string =>
      JSON.stringify({ jsonrpc: '2.0', method, params, id: 2 });
    for (const [message, code] of [
      ['{', -32_700],
      ['[]', -32_600],
      ['{"jsonrpc":"2.0","id":2}', -32_600],
      [request('__proto__', {}), -32_601],
      [request('offerSdp', null), -32_602],
      [request('offerSdp', { sdpOffer: 'nonsense' }), -32_602],
      [request('offerSdp', { sdpOffer: `v=0\r\n${'m=audio 9 X 0\r\n'.repeat(5000)}` }), -32_602],
      [request('answerSdp', { sdpAnswer: 7 }), -32_602],
      [request('answerSdp', { sdpAnswer: 'v=0' }), -32_600],
    ] as const) {
      expect(await ask(socket, message), message.slice(0, 80)).toMatchObject({ error: { code } });
    }
    socket.send(Buffer.from([0, 1, 2]));
    socket.send('x'.repeat(300_000));
    expect(await ask(socket, ping)).toMatchObject({ result: {} });
  });

  it('lets go of one whose frames are far too long or too many, and lets it come back', async () => {
    const query = `token=${await newToken()}&uniqueId=loud`;
    const long = await open(query);
    long.send('x'.repeat(2 * 1024 * 1024));
    expect(((await once(long, 'close')) as [number])[0]).toBe(1009);
    const many = await open(query);
    for (let n = 0; n < 200; n++) many.send(ping);
    expect(((await once(many, 'close')) as [number])[0]).toBe(1008);
    const again = await open(query);
    expect(await ask(again, ping)).toMatchObject({ result: {} });
    expect(await gateway.rest.legs()).toHaveLength(1);
  });

  it('takes a socket that is cut off for a device that may come back', async () => {
    const socket = await device();
    await ask(socket, ping);
    socket.terminate();
    await waitFor('the loss is seen', () =>
      gateway.log.find((line) => line.msg === 'device lost' && line['code'] === 1006),
    );
    const [leg] = await gateway.rest.legs();
    const again = await open(`token=${tokens.at(-1)}&uniqueId=device`);
    expect(await ask(again, ping)).toMatchObject({ result: {} });
    expect((await gateway.rest.legs())[0]?.id).toBe(leg?.id);
  });

  it('writes no token into a log', () => {
    expect(tokens.length).toBeGreaterThan(4);
    for (const token of tokens) expect(gateway.stdout).not.toContain(token.split('.')[2]);
    const refused = gateway.log.filter(({ msg }) => msg === 'device refused');
    expect(refused.map((line) => line['code'])).toContain('token-invalid');
  });
});
