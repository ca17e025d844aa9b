/** ICE over TCP: who gets through to a leg, and who does not. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatFrame, FrameReader } from '../../src/media/worker/browser/ice-tcp/frame-reader.js';
import { IceTcpServer } from '../../src/media/worker/browser/ice-tcp/ice-tcp-server.js';
import { bindingRequest } from './stun-request.js';

const usernameFragment = 'a name';
const password = 'a password';
const request = bindingRequest(`${usernameFragment}:theirs`, password);

let server: IceTcpServer;
/** What a leg has: it answers each packet with it and a mark. */
let leg: UdpSocket;
let dismiss: () => void;
const closing: { destroy(): void }[] = [];

beforeEach(async () => {
  leg = createSocket('udp4').bind(0, '127.0.0.1');
  await once(leg, 'listening');
  leg.on('message', (message, { port }) =>
    leg.send(Buffer.concat([Buffer.from('>'), message]), port, '127.0.0.1'),
  );
});
afterEach(async () => {
  for (const one of closing.splice(0)) one.destroy();
  leg.close();
  await server.close();
});

async function open(limits?: Parameters<typeof IceTcpServer.open>[2]): Promise<void> {
  server = await IceTcpServer.open('127.0.0.1', 0, limits);
  dismiss = server.admit({ usernameFragment, password, address: '127.0.0.1', port: leg.address().port });
}

interface Client {
  readonly socket: Socket;
  readonly heard: Buffer[];
  readonly isClosed: () => boolean;
  send(...packets: readonly Buffer[]): void;
}

async function client(localAddress = '127.0.0.1'): Promise<Client> {
  const socket = connect({ port: server.port, host: '127.0.0.1', localAddress });
  closing.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const heard: Buffer[] = [];
  const frames = new FrameReader();
  socket.on('data', (chunk: Buffer) => frames.read(chunk, (packet) => heard.push(Buffer.from(packet))));
  let closed = false;
  socket.on('close', () => (closed = true));
  return {
    ...{ socket, heard },
    isClosed: () => closed,
    send: (...packets) => socket.write(Buffer.concat(packets.map(formatFrame))),
  };
}

const echo = (packet: Buffer): Buffer => Buffer.concat([Buffer.from('>'), packet]);

describe('a browser over TCP', () => {
  it('gets to its leg and back, packet by packet, those that came at once with the first included', async () => {
    await open();
    const one = await client();
    const more = ['b', 'c', 'd'].map((text) => Buffer.from(text.repeat(1200)));
    one.send(request, ...more);
    await expect.poll(() => one.heard.length).toBe(4);
    expect(one.heard.map(String).sort()).toEqual([request, ...more].map(echo).map(String).sort());
    expect(server.connections).toEqual({ all: 1, unknown: 0 });
  });

  it('is gone with its leg', async () => {
    await open();
    const one = await client();
    one.send(request);
    await expect.poll(() => one.heard.length).toBe(1);
    dismiss();
    await expect.poll(one.isClosed).toBe(true);
    const late = await client();
    late.send(request);
    await expect.poll(late.isClosed).toBe(true);
    expect(server.connections.all).toBe(0);
  });

  it('is gone where its leg’s port is', async () => {
    await open();
    const one = await client();
    one.send(request);
    await expect.poll(() => one.heard.length).toBe(1);
    leg.close();
    await expect
      .poll(() => {
        one.send(Buffer.from('x'));
        return one.isClosed();
      })
      .toBe(true);
    leg = createSocket('udp4').bind(0, '127.0.0.1');
  });

  it('that tries again and again has its newest connections', async () => {
    await open({ maxPerEndpoint: 2 });
    const tries: Client[] = [];
    for (let n = 0; n < 4; n++) {
      const one = await client();
      one.send(request);
      await expect.poll(() => one.heard.length).toBe(1);
      tries.push(one);
    }
    await expect.poll(() => tries.map((one) => one.isClosed())).toEqual([true, true, false, false]);
  });

  it('that does not read makes nobody keep more than a little for it', async () => {
    await open({ maxWaitingOctets: 10_000, maxPacketsPerSecond: 100_000 });
    const one = await client();
    one.send(request);
    await expect.poll(() => one.heard.length).toBe(1);
    one.socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    const packet = Buffer.alloc(1000, 1);
    for (let n = 0; n < 100; n++) {
      one.send(...Array.from({ length: 200 }, () => packet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64e6);
    one.socket.resume();
    // It is still there, and reads what is sent now.
    await expect
      .poll(() => {
        one.send(Buffer.from('now'));
        return one.heard.map(String).includes('>now');
      })
      .toBe(true);
    expect(one.heard.length).toBeLessThan(20_000);
  });
});

describe('a stranger over TCP', () => {
  it.each([
    ['nothing that is a frame', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['TLS', Buffer.from([22, 3, 1, 0, 200, 1, 0])],
    ['a packet that is no binding request', formatFrame(Buffer.from('hello'))],
    ['a binding request for nobody', formatFrame(bindingRequest('another:theirs', password))],
    [
      'a binding request that is signed with another password',
      formatFrame(bindingRequest(`${usernameFragment}:x`, 'x')),
    ],
    ['a frame that is too long', Buffer.from([0x10, 0])],
  ])('who sends %s is cut off, and his packets reach no leg', async (_, octets) => {
    await open();
    let reached = 0;
    leg.on('message', () => void reached++);
    const one = await client();
    one.socket.write(octets);
    await expect.poll(one.isClosed).toBe(true);
    expect(reached).toBe(0);
  });

  it('who says nothing is cut off', async () => {
    await open({ firstPacketMs: 50 });
    const silent = await client();
    const slow = await client();
    slow.socket.write(formatFrame(request).subarray(0, 30));
    await expect.poll(() => [silent.isClosed(), slow.isClosed()]).toEqual([true, true]);
  });

  it('who opens thousands of connections keeps nobody out', async () => {
    await open({ maxUnknown: 20, maxUnknownPerSource: 5 });
    const inside = await client();
    inside.send(request);
    await expect.poll(() => inside.heard.length).toBe(1);
    const strangers = [];
    const waiting = await client('127.0.0.3');
    for (let n = 0; n < 1000; n++) strangers.push(await client('127.0.0.2'));
    expect(server.connections.unknown).toBeLessThanOrEqual(6);
    // Who waited meanwhile from elsewhere was not the one to go, and new ones come in.
    waiting.send(request);
    const later = await client();
    later.send(request);
    await expect.poll(() => [waiting.heard.length, later.heard.length]).toEqual([1, 1]);
    inside.send(Buffer.from('x'));
    await expect.poll(() => inside.heard.length).toBe(2);
  });

  it('is cut off, too, where he has the password and sends more than any browser does', async () => {
    await open({ maxPacketsPerSecond: 50 });
    const one = await client();
    one.send(request);
    await expect.poll(() => one.heard.length).toBe(1);
    one.send(...Array.from({ length: 60 }, () => Buffer.from('x')));
    await expect.poll(one.isClosed).toBe(true);
  });
});

it('a port that another program has is refused in words', async () => {
  await open();
  await expect(IceTcpServer.open('127.0.0.1', server.port)).rejects.toThrow(
    `TCP port ${server.port} for browsers cannot be had: EADDRINUSE`,
  );
});
