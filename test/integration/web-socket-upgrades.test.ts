/** WebSockets on the HTTP port: what no door takes is refused in the form of all errors. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { handleUpgrades, type WebSocketUpgrades } from '../../src/rest/web-socket-upgrades.js';

let server: Server;
let upgrades: WebSocketUpgrades;
beforeEach(async () => {
  server = createServer();
  const accept = (socket: WebSocket, _request: IncomingMessage, client: string) => socket.send(client);
  upgrades = handleUpgrades(server, [
    { path: '/sip', subprotocol: 'sip', maxPayloadBytes: 1000, accept },
    { path: '/v3', maxPayloadBytes: 1000, accept },
  ]);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  upgrades.close();
  server.close();
  await once(server, 'close');
});

function open(path: string, subprotocol?: string): WebSocket {
  const { port } = server.address() as AddressInfo;
  return new WebSocket(`ws://127.0.0.1:${port}${path}`, subprotocol === undefined ? [] : [subprotocol]);
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
});
