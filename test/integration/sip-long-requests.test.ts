/** Requests in a call that are too long for a datagram (RFC 3261 §18.1.1): by TCP where the peer's target takes it, else by UDP. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseMessage, type SipRequest } from '../../src/sip-server/index.js';
import { waitFor } from '../support/wait-for.js';
import type { RawPeer } from './sip-server/raw-peer.js';
import type { SrfRequest, SrfResponse } from './sip-server/srf-app.js';
import {
  answer,
  answered,
  app,
  inDialog,
  offer,
  server,
  target,
  udpPeer,
  useFreshServers,
} from './sip-server/drachtio-stage.js';

useFreshServers();

const long = `${offer}a=x:${'y'.repeat(1_400)}\r\n`;
const listeners: Server[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const listener of listeners.splice(0)) await new Promise((resolve) => listener.close(resolve));
});

/** TCP on the very port that the peer has for UDP. `take`: what becomes of each connection. */
async function tcpBeside(peer: RawPeer, take: (socket: Socket) => void): Promise<void> {
  const listener = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    take(socket);
  });
  listeners.push(listener);
  await new Promise<void>((resolve, reject) =>
    listener.once('error', reject).listen(peer.port, '127.0.0.1', resolve),
  );
  expect((listener.address() as AddressInfo).port).toBe(peer.port);
}

/** Requests that come whole by the connection. */
function requestsBy(socket: Socket, received: SipRequest[]): void {
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    const result = parseMessage(bytes);
    if (!result.ok || result.message.kind !== 'request') return;
    received.push(result.message);
    bytes = Buffer.alloc(0);
  });
}

function responseTo(request: SipRequest, contact: string): string {
  const fields = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map(
    (name) => `${name}: ${request.headers.get(name) ?? ''}`,
  );
  const lines = [`SIP/2.0 200 OK`, ...fields, `Contact: ${contact}`, 'Content-Type: application/sdp'];
  return [...lines, `Content-Length: ${answer.length}`, '', answer].join('\r\n');
}

describe('a long re-INVITE', () => {
  it('goes by TCP, is told of at the same Contact as before, and what follows goes by UDP', async () => {
    const { peer, dialog } = await answered();
    const received: SipRequest[] = [];
    await tcpBeside(peer, (socket) => requestsBy(socket, received));
    const modified = dialog.modify(long);
    await waitFor('it has come by TCP', () => received.length > 0);
    const [invite] = received as [SipRequest];
    expect(invite.headers.get('Via')).toContain('SIP/2.0/TCP');
    expect(invite.headers.get('Contact')).toBe(`<sip:127.0.0.1:${server.udpAddress?.port}>`);
    sockets[0]?.write(responseTo(invite, peer.contact));
    expect(await modified).toBe(answer);
    const ack = await peer.request('ACK');
    expect(ack.headers.get('CSeq')).toBe((invite.headers.get('CSeq') ?? '').replace('INVITE', 'ACK'));
    // The connection goes, and nothing of the call with it.
    sockets[0]?.destroy();
    const asked = dialog.request({ method: 'INFO' });
    peer.reply(await peer.request('INFO'), 200);
    expect((await asked).status).toBe(200);
  });

  it('goes by UDP where nobody takes a connection, and the next one without asking', async () => {
    const { peer, dialog } = await answered();
    const modified = dialog.modify(long);
    const invite = await peer.request('INVITE');
    expect(invite.headers.get('Via')).toContain('SIP/2.0/UDP');
    peer.reply(invite, 200, {}, answer);
    expect(await modified).toBe(answer);
    const received: SipRequest[] = [];
    await tcpBeside(peer, (socket) => requestsBy(socket, received));
    const again = dialog.modify(long);
    await peer.request('ACK');
    peer.reply(await peer.request('INVITE'), 200, {}, answer);
    expect(await again).toBe(answer);
    expect(received).toEqual([]);
  });

  it('goes by UDP where the connection is closed without an answer, with the next number', async () => {
    const { peer, dialog } = await answered();
    const received: SipRequest[] = [];
    await tcpBeside(peer, (socket) => {
      requestsBy(socket, received);
      socket.on('data', () => {
        if (received.length > 0) socket.destroy();
      });
    });
    const modified = dialog.modify(long);
    const invite = await peer.request('INVITE');
    const numberOf = (request: SipRequest | undefined): number =>
      Number.parseInt(request?.headers.get('CSeq') ?? '', 10);
    expect(numberOf(invite)).toBe(numberOf(received[0]) + 1);
    peer.reply(invite, 200, {}, answer);
    expect(await modified).toBe(answer);
    await peer.request('ACK');
  });

  it.each([
    ['to a phone behind a NAT', () => 'sip:raw@10.9.8.7:5060'],
    ['where the target says so', (port: number) => `sip:raw@127.0.0.1:${port};transport=udp`],
  ])('goes by UDP %s', async (_where, contactAt) => {
    const { peer, dialog } = await answered(async () => {
      const phone = await udpPeer();
      phone.contactUri = contactAt(phone.port);
      return phone;
    });
    let connections = 0;
    await tcpBeside(peer, () => (connections += 1));
    const modified = dialog.modify(long);
    const invite = await peer.request('INVITE');
    expect(invite.headers.get('Via')).toContain('SIP/2.0/UDP');
    peer.reply(invite, 200, {}, answer);
    expect(await modified).toBe(answer);
    expect(connections).toBe(0);
  });
});

describe('a long request of another kind', () => {
  it('goes by TCP as well, and short ones by UDP', async () => {
    const { peer, dialog } = await answered();
    const received: SipRequest[] = [];
    await tcpBeside(peer, (socket) => requestsBy(socket, received));
    const short = dialog.request({ method: 'INFO', body: 'x'.repeat(400) });
    peer.reply(await peer.request('INFO'), 200);
    expect((await short).status).toBe(200);
    const asked = dialog.request({ method: 'INFO', body: 'x'.repeat(1_400) });
    await waitFor('it has come by TCP', () => received.length > 0);
    sockets[0]?.write(responseTo(received[0] as SipRequest, peer.contact));
    expect((await asked).status).toBe(200);
  });
});

describe('a long ACK', () => {
  it('goes by TCP, and again by UDP where its connection is gone', async () => {
    const peer = await udpPeer();
    const received: SipRequest[] = [];
    await tcpBeside(peer, (socket) => requestsBy(socket, received));
    const srf = await app(() => undefined);
    const calling = srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { noAck: true, localSdp: '' });
    const invite = await peer.request('INVITE');
    peer.reply(invite, 200, {}, offer);
    const { ack } = (await calling) as unknown as { ack: (sdp: string) => Promise<unknown> };
    void ack(long);
    await waitFor('it has come by TCP', () => received.length > 0);
    expect(received[0]).toMatchObject({ method: 'ACK' });
    sockets[0]?.destroy();
    await waitFor('the server knows', () => server.stats().transport.connectionsOpen === 0);
    peer.reply(invite, 200, {}, offer);
    expect((await peer.request('ACK')).body.toString()).toBe(long);
  });
});

describe('a long request that is passed on', () => {
  it('goes by TCP where its destination takes it, and by UDP else', async () => {
    const [caller, callee] = [await udpPeer(), await udpPeer()];
    const srf = await app((s) =>
      s.invite((req: SrfRequest, _res: SrfResponse) => {
        void s.proxyRequest(req, `sip:callee@127.0.0.1:${callee.port}`, { remainInDialog: true });
      }),
    );
    expect(srf).toBeDefined();
    caller.send('INVITE', target(), {}, long);
    const byUdp = await callee.request('INVITE');
    callee.reply(byUdp, 486);
    const busy = await caller.response(486);
    inDialog(caller, 'ACK', busy, 1, { Via: busy.headers.get('Via') });

    const other = await udpPeer();
    const received: SipRequest[] = [];
    await tcpBeside(other, (socket) => requestsBy(socket, received));
    const second = await app((s) =>
      s.message((req: SrfRequest) => {
        void s.proxyRequest(req, `sip:callee@127.0.0.1:${other.port}`, {});
      }),
    );
    expect(second).toBeDefined();
    caller.send('MESSAGE', target(), {}, long);
    await waitFor('it has come by TCP', () => received.length > 0);
    expect(received[0]?.headers.all('Via')[0]).toContain('SIP/2.0/TCP');
    sockets[0]?.write(
      responseTo(received[0] as SipRequest, other.contact).replace(
        /^Via: .*$/m,
        (received[0] as SipRequest).headers
          .all('Via')
          .map((via) => `Via: ${via}`)
          .join('\r\n'),
      ),
    );
    await caller.response(200, 'MESSAGE');
  });
});
