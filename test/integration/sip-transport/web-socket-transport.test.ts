import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Flow } from '../../../src/sip-server/transport/flow.js';
import { WebSocketTransport } from '../../../src/sip-server/transport/web-socket-transport.js';
import { options, Told } from './told.js';

const host = '127.0.0.1';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

function own<T extends { close(): unknown }>(thing: T): T {
  cleanUp.push(() => thing.close());
  return thing;
}

describe('WebSocketTransport', () => {
  let url = '';
  let transport: WebSocketTransport;
  let told: Told;
  let accepted: (Flow | null)[];
  /** Default the connection's. */
  let peerAddress: string | undefined;

  beforeEach(async () => {
    transport = own(new WebSocketTransport({ maxConnections: 2, limits: { maxMessageBytes: 1_000 } }));
    told = new Told(transport);
    accepted = [];
    peerAddress = undefined;
    const http = createServer();
    cleanUp.push(() => http.close());
    const server = new WebSocketServer({
      server: http,
      handleProtocols: (offered) => (offered.has('sip') ? 'sip' : false),
    });
    server.on('connection', (socket, request) => {
      const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = request.socket;
      const peer = { remoteAddress: peerAddress ?? remoteAddress, remotePort, localAddress, localPort };
      accepted.push(transport.accept(socket, peer));
    });
    http.listen(0, host);
    await once(http, 'listening');
    url = `ws://${host}:${(http.address() as AddressInfo).port}`;
  });

  async function open(protocols: string[] = ['sip']): Promise<WebSocket> {
    const socket = new WebSocket(url, protocols);
    cleanUp.push(() => socket.terminate());
    await once(socket, 'open');
    return socket;
  }

  it('carries messages both ways as text, and answers the CRLF keep-alive', async () => {
    const client = await open();
    client.send(options('1'));
    client.send(Buffer.from(options('2')));
    await told.until(() => told.messages.length === 2);
    const { flow, message } = told.messages[0]!;
    expect(message.headers.get('Via')).toContain(`received=${host}`);
    expect(flow).toMatchObject({ protocol: 'ws', reliable: true });
    expect(await transport.connect(host, flow.remotePort)).toBe(flow);
    await expect(transport.connect(host, 1)).rejects.toThrow('no WebSocket');
    const answer = once(client, 'message');
    await flow.send(Buffer.from('SIP/2.0 200 OK'));
    expect([String((await answer)[0]), (await answer)[1]]).toEqual(['SIP/2.0 200 OK', false]);
    const pong = once(client, 'message');
    client.send('\r\n\r\n');
    expect(String((await pong)[0])).toBe('\r\n');
    client.close();
    await told.until(() => told.closed.length === 1);
    await expect(flow.send(Buffer.from('x'))).rejects.toThrow('closed');
  });

  it('answers keep-alives that come in a flood once', async () => {
    const client = await open();
    const heard: string[] = [];
    client.on('message', (data: Buffer) => heard.push(data.toString()));
    for (let n = 0; n < 1000; n += 1) client.send('\r\n\r\n');
    client.send(options('1'));
    await told.until(() => told.messages.length === 1);
    await told.messages[0]!.flow.send(Buffer.from('SIP/2.0 200 OK'));
    await expect.poll(() => heard.at(-1)).toBe('SIP/2.0 200 OK');
    expect(heard).toEqual(['\r\n', 'SIP/2.0 200 OK']);
  });

  it('refuses another subprotocol, and one connection too many', async () => {
    const socket = new WebSocket(url);
    const [code] = await once(socket, 'close');
    expect(code).toBe(1002);
    transport.judgeBy(() => 'used');
    await open();
    await open();
    const [tooMany] = await once(await open(), 'close');
    expect(tooMany).toBe(1013);
    expect(transport.stats()).toMatchObject({ connectionsOpen: 2, connectionsRefused: 2 });
    expect(accepted.filter((flow) => flow === null)).toHaveLength(2);
  });

  it('refuses one connection too many from one address, whatever others have', async () => {
    transport = own(new WebSocketTransport({ maxConnectionsPerAddress: 1 }));
    transport.judgeBy(() => 'used');
    const heard = new Told(transport);
    const first = await open();
    expect((await once(await open(), 'close'))[0]).toBe(1013);
    peerAddress = '192.0.2.9';
    const other = await open();
    expect(transport.stats()).toMatchObject({ connectionsOpen: 2, connectionsRefused: 1 });
    expect(accepted.map((flow) => flow?.remoteAddress)).toEqual([host, undefined, '192.0.2.9']);
    peerAddress = undefined;
    first.close();
    await heard.until(() => heard.closed.length === 1);
    const again = await open();
    again.send(options('1'));
    await heard.until(() => heard.messages.length === 1);
    expect(other.readyState).toBe(WebSocket.OPEN);
  });

  it('makes room for a newcomer: who has brought nothing is closed with 1013, no call is', async () => {
    const inCall = await open();
    inCall.send(options('1'));
    await told.until(() => told.messages.length === 1);
    const calling = told.messages[0]!.flow;
    transport.judgeBy((flow) => (flow === calling ? 'used' : 'stranger'));
    // It never answers the closing, and holds up nobody by that.
    const silent = await open();
    silent.pause();
    const newcomer = await open();
    await told.until(() => told.closed.length === 1);
    newcomer.send(options('2'));
    await told.until(() => told.messages.length === 2);
    silent.resume();
    expect((await once(silent, 'close'))[0]).toBe(1013);
    expect(inCall.readyState).toBe(WebSocket.OPEN);
    expect(transport.stats()).toMatchObject({ connectionsOpen: 2, connectionsRefused: 0 });
  });

  it('cuts off who takes nothing of what it is sent, though it answers every ping unasked', async () => {
    transport = own(new WebSocketTransport({ stalledMs: 100 }));
    const heard = new Told(transport);
    const client = await open();
    client.send(options('1'));
    await heard.until(() => heard.messages.length === 1);
    client.pause();
    const timer = setInterval(() => client.pong(), 10);
    cleanUp.push(() => clearInterval(timer));
    const { flow } = heard.messages[0]!;
    // As much as the kernels take, and a little more.
    for (let isTaken = true; isTaken;) {
      isTaken = false;
      flow.send(Buffer.alloc(50_000)).then(
        () => (isTaken = true),
        () => undefined,
      );
      await setImmediate();
    }
    await heard.until(() => heard.closed.length === 1);
    expect(transport.stats()).toMatchObject({ connectionsOpen: 0, connectionsDropped: 1 });
  });

  it('closes who has brought no SIP message in time, keep-alives or not, and nobody else', async () => {
    transport = own(new WebSocketTransport({ firstMessageTimeoutMs: 2000 }));
    const heard = new Told(transport);
    const caller = await open();
    caller.send(options('1'));
    await heard.until(() => heard.messages.length === 1);
    const silent = await open();
    silent.send('\r\n\r\n');
    silent.send('hello');
    expect((await once(silent, 'close'))[0]).toBe(1008);
    await heard.until(() => heard.closed.length === 1);
    expect(caller.readyState).toBe(WebSocket.OPEN);
    expect(transport.stats()).toMatchObject({ connectionsOpen: 1, connectionsDropped: 1 });
  });

  it('survives frames that are not SIP, and closes for one too large', async () => {
    const client = await open();
    client.send('hello');
    client.send(Buffer.from([0xff, 0x00]));
    client.send('');
    client.send(options('1'));
    await told.until(() => told.messages.length === 1);
    expect(told.malformed).toHaveLength(2);
    client.send('x'.repeat(1_001));
    expect((await once(client, 'close'))[0]).toBe(1009);
  });

  it('terminates who does not answer the ping', async () => {
    const strict = own(new WebSocketTransport({ pingIntervalMs: 1000 }));
    transport = strict;
    const heard = new Told(strict);
    const alive = await open();
    let pings = 0;
    alive.on('ping', () => (pings += 1));
    const dead = new WebSocket(url, ['sip'], { autoPong: false });
    cleanUp.push(() => dead.terminate());
    await once(dead, 'close');
    await heard.until(() => heard.closed.length === 1);
    expect(pings).toBeGreaterThan(0);
    expect(alive.readyState).toBe(WebSocket.OPEN);
    expect(strict.stats()).toMatchObject({ connectionsOpen: 1, connectionsDropped: 1 });
  });
});
