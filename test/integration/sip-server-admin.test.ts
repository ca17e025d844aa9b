import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSipServer } from '../../src/sip-server/index.js';
import type { SipServer } from '../../src/sip-server/index.js';
import { secret } from './sip-server/srf-app.js';
import { hangMs } from '../support/wait-for.js';

let server: SipServer;
let admin: AdminPeer;

beforeEach(async () => {
  server = await createSipServer({
    udp: { host: '127.0.0.1', port: 0 },
    tcp: { host: '127.0.0.1', port: 0 },
    admin: {
      host: '127.0.0.1',
      port: 0,
      secret: secret,
      authenticationTimeoutMs: 2000,
      maxFrameBytes: 1_000,
    },
    publicAddress: '203.0.113.9',
    timers: { t1Ms: 30, t2Ms: 240, t4Ms: 300 },
  });
  admin = await AdminPeer.open(server.adminAddress.port);
});

afterEach(async () => {
  admin.socket.destroy();
  await server.close();
});

/** Speaks the admin protocol byte by byte. */
class AdminPeer {
  readonly socket: Socket;
  text = '';
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => (this.text += bytes.toString()));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async open(port: number): Promise<AdminPeer> {
    const socket = createConnection(port, '127.0.0.1');
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    return new AdminPeer(socket);
  }

  send(content: string): void {
    this.socket.write(`${Buffer.byteLength(content)}#${content}`);
  }

  /** The tokens of the response to that id. */
  async response(id: string): Promise<string[]> {
    const pattern = new RegExp(
      `\\d+#[0-9a-f-]{36}\\|response\\|${id}\\|([^\\r]*?)(?=\\r|\\d+#[0-9a-f-]{36}\\||$)`,
    );
    const deadline = Date.now() + hangMs;
    for (;;) {
      const found = pattern.exec(this.text)?.[1];
      if (found !== undefined) return found.split('|');
      if (Date.now() > deadline) throw new Error(`no response to ${id} in ${this.text}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

describe('the admin port', () => {
  it('welcomes a client that knows the secret, and tells it where we listen', async () => {
    admin.send(`1|authenticate|${secret}|tag`);
    const port = server.udpAddress?.port ?? 0;
    expect(server.tcpAddress?.port).toBe(port);
    expect(await admin.response('1')).toEqual([
      'OK',
      `udp/203.0.113.9:${port},tcp/203.0.113.9:${port}`,
      'v0.9.10',
      `udp/127.0.0.1:${port},tcp/127.0.0.1:${port}`,
    ]);
    expect(server.stats().applications).toBe(1);
  });

  it('routes, pings and takes routes back', async () => {
    admin.send(`1|authenticate|${secret}|`);
    admin.send('2|route|invite');
    admin.send('3|ping');
    admin.send('4|route|cdr:start');
    admin.send('5|remove_route|invite');
    admin.send('6|route|in vite');
    expect(await admin.response('2')).toEqual(['OK']);
    expect(await admin.response('3')).toEqual(['OK', 'pong']);
    expect(await admin.response('4')).toEqual(['OK']);
    expect(await admin.response('5')).toEqual(['OK']);
    expect((await admin.response('6'))[0]).toBe('NOK');
  });

  it.each([
    ['a wrong secret', '1|authenticate|guess|', 'incorrect secret'],
    ['no secret', '1|authenticate', 'incorrect secret'],
    ['anything before authentication', '1|route|invite', 'not authenticated'],
  ])('closes on %s', async (_what, content, reason) => {
    admin.send(content);
    await admin.closed;
    expect(await admin.response('1')).toEqual(['NO', reason]);
  });

  it('closes on an unknown command, with the reason', async () => {
    admin.send(`1|authenticate|${secret}|`);
    admin.send('2|dance');
    await admin.closed;
    expect(await admin.response('2')).toEqual(['NO', 'Unknown message type']);
  });

  it.each([
    ['bytes that are no frame', 'GET / HTTP/1.1\r\n\r\n'],
    ['a frame that is too large', '1001#'],
  ])('closes on %s', async (_what, text) => {
    admin.socket.write(text);
    await admin.closed;
    expect(admin.text).toBe('');
  });

  it('closes on a client that says nothing', async () => {
    await admin.closed;
    expect(server.stats().applications).toBe(0);
  });

  it.each([
    ['sip|unknown|\r\nSIP/2.0 200 OK\r\n\r\n', 'Response not sent due to unknown transaction'],
    [
      'sip||unknown\r\nBYE sip:placeholder SIP/2.0\r\n\r\n',
      'Server error: unable to find dialog for dialog id provided',
    ],
    ['sip||\r\nACK sip:a@b SIP/2.0\r\n\r\n', 'Server error: unable to find dialog for dialog id provided'],
    ['sip|unknown|\r\nCANCEL sip:a@b SIP/2.0\r\n\r\n', 'Response not sent due to unknown transaction'],
    [
      'sip||\r\nOPTIONS sip:a@127.0.0.1;transport=ws SIP/2.0\r\n\r\n',
      'requested protocol/transport not available',
    ],
    ['sip||\r\nOPTIONS tel:+1 SIP/2.0\r\n\r\n', 'requested protocol/transport not available'],
    ['sip||\r\nhello', 'malformed SIP message'],
    ['sip||', 'malformed SIP message'],
    [
      'proxy|x||||serial|||sip:a@b\r\nINVITE sip:a@b SIP/2.0\r\n\r\n',
      'Response not sent due to unknown transaction',
    ],
  ])('answers %j with NOK and the reason', async (command, reason) => {
    admin.send(`1|authenticate|${secret}|`);
    admin.send(`2|${command}`);
    expect(await admin.response('2')).toEqual(['NOK', reason]);
  });
});
