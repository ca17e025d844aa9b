/**
 * A SIP server with real drachtio-srf applications behind it and raw peers before it, new for each test of a file that
 * calls `useFreshServers`.
 */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import { WebSocketServer } from 'ws';
import { createSipServer } from '../../../src/sip-server/index.js';
import type { SipResponse, SipServer } from '../../../src/sip-server/index.js';
import { inDialog, TcpPeer, UdpPeer, WebSocketPeer } from './raw-peer.js';
import type { RawPeer } from './raw-peer.js';
import { connectApp, happens, secret } from './srf-app.js';
import { CountedClock } from '../../support/counted-clock.js';
import { hangMs, waitFor } from '../../support/wait-for.js';
import type { SrfApp, SrfDialog } from './srf-app.js';

export { inDialog };

export const offer =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n';
export const answer = offer.replace('o=- 1 1', 'o=- 2 1').replace('4000', '5000');
/** 64 · T1 is 1.9 s: short enough to wait for, long enough for a busy machine. */
export const timers = { t1Ms: 30, t2Ms: 240, t4Ms: 300 };

export let server: SipServer;
export let http: Server;
/** The server's. */
export let clock: CountedClock;
export let apps: SrfApp[];
export let peers: RawPeer[];

/**
 * Gives every test of the file that calls it (at its top) a server of its own; hooks of an import would hold for the first file
 * alone. `heldFromMs`: timers of that length and longer run out when the test says so.
 */
export function useFreshServers({ heldFromMs }: { readonly heldFromMs?: number } = {}): void {
  beforeEach(async () => {
    clock = new CountedClock(heldFromMs);
    apps = [];
    peers = [];
    server = await createSipServer({
      udp: { host: '127.0.0.1', port: 0 },
      tcp: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0, secret: secret },
      userAgent: 'Landbridge test',
      timers: timers,
      clock,
    });
    const webSockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'sip' });
    http = createServer().on('upgrade', (request, socket, head) => {
      webSockets.handleUpgrade(request, socket, head, (webSocket) =>
        server.acceptWebSocket(webSocket, request),
      );
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const app of apps) app.disconnect();
    for (const peer of peers) await peer.close();
    await server.close();
    await new Promise<void>((resolve) => http.close(() => resolve()));
  });
}

export async function app(configure: (srf: SrfApp) => void): Promise<SrfApp> {
  const srf = await connectApp(server, configure);
  apps.push(srf);
  return srf;
}

export async function udpPeer(): Promise<UdpPeer> {
  const peer = await UdpPeer.open(server.udpAddress?.port ?? 0);
  peers.push(peer);
  return peer;
}

export function port(): number {
  return server.udpAddress?.port ?? 0;
}

export const target = (): string => `sip:room@127.0.0.1:${port()}`;

export interface Answered {
  readonly peer: RawPeer;
  readonly ok: SipResponse;
  readonly dialog: SrfDialog;
  readonly srf: SrfApp;
}

/** A call that the application has answered and the peer has acknowledged. */
export async function answered(openPeer: () => Promise<RawPeer> = udpPeer): Promise<Answered> {
  let resolve: (dialog: SrfDialog) => void;
  const made = new Promise<SrfDialog>((done) => (resolve = done));
  const srf = await app((s) =>
    s.invite((req, res) => void s.createUAS(req, res, { localSdp: answer }).then(resolve)),
  );
  const peer = await openPeer();
  peer.send('INVITE', target(), {}, offer);
  const ok = await peer.response(200);
  const dialog = await made;
  const acknowledged = happens(dialog, 'ack');
  inDialog(peer, 'ACK', ok, 1);
  await acknowledged;
  return { peer, ok, dialog, srf };
}

export async function tcpPeer(): Promise<TcpPeer> {
  const peer = await TcpPeer.open(server.tcpAddress?.port ?? 0);
  peers.push(peer);
  return peer;
}

export async function webSocketPeer(): Promise<WebSocketPeer> {
  const peer = await WebSocketPeer.open(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/sip`);
  peers.push(peer);
  return peer;
}

/** Hangs up at no peer any more, and sees that the server keeps nothing: after 64 · T1 and what follows it. */
export async function nothingIsLeft(): Promise<void> {
  for (const peer of peers.splice(0)) await peer.close();
  await waitFor('nothing is left', () => {
    const { dialogs, transactions, pendingRequests, transport } = server.stats();
    return dialogs + transactions + pendingRequests + transport.connectionsOpen + clock.pending === 0;
  });
  const { handlerErrors } = server.stats().transport;
  if (handlerErrors > 0) throw new Error(`${String(handlerErrors)} messages could not be handled`);
}

export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + hangMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it never became true');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
