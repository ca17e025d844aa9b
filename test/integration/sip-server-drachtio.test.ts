import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { createSipServer } from '../../src/sip-server/index.js';
import type { SipRequest, SipResponse, SipServer } from '../../src/sip-server/index.js';
import { TcpPeer, UdpPeer, WebSocketPeer } from './sip-server/raw-peer.js';
import type { RawPeer } from './sip-server/raw-peer.js';
import { connectApp, happens, newSrf, SECRET } from './sip-server/srf-app.js';
import type { SrfApp, SrfDialog, SrfRequest, SrfResponse } from './sip-server/srf-app.js';

const OFFER =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n';
const ANSWER = OFFER.replace('o=- 1 1', 'o=- 2 1').replace('4000', '5000');
/** 64 · T1 is 1.9 s: short enough to wait for, long enough for a busy machine. */
const TIMERS = { t1Ms: 30, t2Ms: 240, t4Ms: 300 };

let server: SipServer;
let http: Server;
let apps: SrfApp[];
let peers: RawPeer[];

beforeEach(async () => {
  apps = [];
  peers = [];
  server = await createSipServer({
    udp: { host: '127.0.0.1', port: 0 },
    tcp: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0, secret: SECRET },
    userAgent: 'Landbridge test',
    timers: TIMERS,
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

async function app(configure: (srf: SrfApp) => void): Promise<SrfApp> {
  const srf = await connectApp(server, configure);
  apps.push(srf);
  return srf;
}

async function udpPeer(): Promise<UdpPeer> {
  const peer = await UdpPeer.open(server.udpAddress?.port ?? 0);
  peers.push(peer);
  return peer;
}

function port(): number {
  return server.udpAddress?.port ?? 0;
}

const target = (): string => `sip:room@127.0.0.1:${port()}`;

/** Sends the ACK of a 2xx, or any other request, in the dialog that the response made. */
function inDialog(
  peer: RawPeer,
  method: string,
  response: SipResponse,
  cseq: number,
  fields: Record<string, string | undefined> = {},
  body = '',
): void {
  const contact = /<([^>]+)>/.exec(response.headers.get('Contact') ?? '')?.[1] ?? target();
  peer.send(
    method,
    contact,
    {
      From: response.headers.get('From') ?? '',
      To: response.headers.get('To') ?? '',
      'Call-ID': response.headers.get('Call-ID') ?? '',
      CSeq: `${cseq} ${method}`,
      ...fields,
    },
    body,
  );
}

interface Answered {
  readonly peer: RawPeer;
  readonly ok: SipResponse;
  readonly dialog: SrfDialog;
  readonly srf: SrfApp;
}

/** A call that the application has answered and the peer has acknowledged. */
async function answered(openPeer: () => Promise<RawPeer> = udpPeer): Promise<Answered> {
  let resolve: (dialog: SrfDialog) => void;
  const made = new Promise<SrfDialog>((done) => (resolve = done));
  const srf = await app((s) =>
    s.invite((req, res) => void s.createUAS(req, res, { localSdp: ANSWER }).then(resolve)),
  );
  const peer = await openPeer();
  peer.send('INVITE', target(), {}, OFFER);
  const ok = await peer.response(200);
  const dialog = await made;
  const acknowledged = happens(dialog, 'ack');
  inDialog(peer, 'ACK', ok, 1);
  await acknowledged;
  return { peer, ok, dialog, srf };
}

async function tcpPeer(): Promise<TcpPeer> {
  const peer = await TcpPeer.open(server.tcpAddress?.port ?? 0);
  peers.push(peer);
  return peer;
}

async function webSocketPeer(): Promise<WebSocketPeer> {
  const peer = await WebSocketPeer.open(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/sip`);
  peers.push(peer);
  return peer;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it never became true');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a call that comes in', () => {
  it.each([
    ['UDP', udpPeer],
    ['TCP', tcpPeer],
    ['WebSocket', webSocketPeer],
  ] as const)('is answered over %s, and ended with BYE by the caller', async (_name, open) => {
    const { peer, ok, dialog } = await answered(open as () => Promise<RawPeer>);
    expect(peer.received[0]).toMatchObject({ kind: 'response', status: 100 });
    expect(ok.body.toString()).toBe(ANSWER);
    expect(ok.headers.get('Content-Type')).toBe('application/sdp');
    expect(ok.headers.get('To')).toMatch(/;tag=\w+/);
    expect(ok.headers.get('Server')).toBe('Landbridge test');
    expect(dialog.remote.sdp).toBe(OFFER);
    const ended = happens(dialog, 'destroy');
    inDialog(peer, 'BYE', ok, 2);
    await peer.response(200, 'BYE');
    await ended;
    expect(server.stats().dialogs).toBe(0);
  });

  it.each([
    ['UDP', udpPeer],
    ['TCP', tcpPeer],
    ['WebSocket', webSocketPeer],
  ] as const)('is ended with BYE by the application over %s', async (_name, open) => {
    const { peer, dialog } = await answered(open as () => Promise<RawPeer>);
    const destroyed = dialog.destroy({ headers: { Reason: 'Q.850;cause=16' } });
    const bye = await peer.request('BYE');
    expect(bye.headers.get('Reason')).toBe('Q.850;cause=16');
    expect(bye.uri).toContain('raw@');
    peer.reply(bye, 200);
    await destroyed;
    expect(server.stats().dialogs).toBe(0);
  });

  it('has a Contact that the caller can reach, with the transport it used', async () => {
    const udp = await answered();
    expect(udp.ok.headers.get('Contact')).toBe(`<sip:127.0.0.1:${port()}>`);
    const peer = await webSocketPeer();
    peer.send('INVITE', target(), {}, OFFER);
    const ok = await peer.response(200);
    expect(ok.headers.get('Contact')).toMatch(/^<sip:127\.0\.0\.1:\d+;transport=ws>$/);
  });

  it('is refused with the header fields and the reason phrase of the application, every time it is sent again', async () => {
    let calls = 0;
    await app((srf) =>
      srf.invite((_req, res) => {
        calls += 1;
        res.send(403, 'No Way', {
          headers: { Reason: 'SIP;cause=403;text="token-missing"', 'Retry-After': '7', 'X-Custom': 'a' },
        });
      }),
    );
    const peer = await udpPeer();
    const text = peer.send('INVITE', target(), {}, OFFER);
    const refusal = await peer.response(403);
    expect(refusal.reason).toBe('No Way');
    expect(refusal.headers.get('Reason')).toBe('SIP;cause=403;text="token-missing"');
    expect(refusal.headers.get('Retry-After')).toBe('7');
    expect(refusal.headers.get('X-Custom')).toBe('a');
    peer.sendText(text);
    const again = await peer.response(403);
    expect(again.headers.get('To')).toBe(refusal.headers.get('To'));
    inDialog(peer, 'ACK', refusal, 1, { Via: refusal.headers.get('Via') });
    await until(() => server.stats().transactions === 0);
    expect(calls).toBe(1);
  });

  it('rings before it is answered', async () => {
    const srf = await app((s) =>
      s.invite((req, res) => {
        res.send(180);
        res.send(183, { body: ANSWER, headers: { 'X-Early': 'yes' } });
        void s.createUAS(req, res, { localSdp: ANSWER });
      }),
    );
    expect(srf).toBeDefined();
    const peer = await udpPeer();
    peer.send('INVITE', target(), {}, OFFER);
    const ringing = await peer.response(180);
    const progress = await peer.response(183);
    const ok = await peer.response(200);
    expect(progress.headers.get('X-Early')).toBe('yes');
    expect(progress.body.toString()).toBe(ANSWER);
    expect(ringing.headers.get('To')).toBe(ok.headers.get('To'));
    expect(ringing.headers.get('Contact')).toBeDefined();
    inDialog(peer, 'ACK', ok, 1);
  });

  it('is one call, however often its INVITE comes', async () => {
    let calls = 0;
    await app((s) =>
      s.invite((req, res) => {
        calls += 1;
        void s.createUAS(req, res, { localSdp: ANSWER });
      }),
    );
    const peer = await udpPeer();
    const text = peer.send('INVITE', target(), {}, OFFER);
    peer.sendText(text);
    const ok = await peer.response(200);
    peer.sendText(text);
    peer.sendText(text);
    inDialog(peer, 'ACK', ok, 1);
    await until(() => server.stats().retransmissionsReceived === 3);
    expect(calls).toBe(1);
    expect(server.stats().dialogs).toBe(1);
  });

  it('is looked after until its ACK comes: the 200 goes out again and again', async () => {
    const srf = await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: ANSWER })));
    expect(srf).toBeDefined();
    const peer = await udpPeer();
    peer.send('INVITE', target(), {}, OFFER);
    const first = await peer.response(200);
    const second = await peer.response(200);
    await peer.response(200);
    expect(second.headers.get('To')).toBe(first.headers.get('To'));
    inDialog(peer, 'ACK', first, 1);
    await until(() => server.stats().transactions === 0);
    expect(server.stats().dialogs).toBe(1);
  });

  it('is ended with BYE, and the application told why, when its ACK never comes', async () => {
    let resolve: (dialog: SrfDialog) => void;
    const made = new Promise<SrfDialog>((done) => (resolve = done));
    await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: ANSWER }).then(resolve)));
    const peer = await udpPeer();
    const sentAt = Date.now();
    peer.send('INVITE', target(), {}, OFFER);
    await peer.response(200);
    const dialog = await made;
    const ended = happens<[SrfRequest, string]>(dialog, 'destroy');
    const bye = await peer.request('BYE');
    expect(Date.now() - sentAt).toBeGreaterThanOrEqual(64 * TIMERS.t1Ms - 5);
    peer.reply(bye, 200);
    expect((await ended)[1]).toBe('no ACK received');
    expect(server.stats()).toMatchObject({ dialogs: 0, dialogsEndedByServer: 1 });
  });

  it('is not ended with BYE by the application before the caller has acknowledged the answer', async () => {
    let resolve: (dialog: SrfDialog) => void;
    const made = new Promise<SrfDialog>((done) => (resolve = done));
    await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: ANSWER }).then(resolve)));
    const peer = await udpPeer();
    peer.send('INVITE', target(), {}, OFFER);
    const ok = await peer.response(200);
    const destroyed = (await made).destroy();
    await peer.response(200); // a retransmission: nothing else came before it
    expect(peer.received.some((message) => message.kind === 'request')).toBe(false);
    inDialog(peer, 'ACK', ok, 1);
    peer.reply(await peer.request('BYE'), 200);
    await destroyed;
  });

  it('may leave the offer to us: the answer comes with the ACK', async () => {
    let resolve: (dialog: SrfDialog) => void;
    const made = new Promise<SrfDialog>((done) => (resolve = done));
    await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: OFFER }).then(resolve)));
    const peer = await udpPeer();
    peer.send('INVITE', target(), {});
    const ok = await peer.response(200);
    expect(ok.body.toString()).toBe(OFFER);
    const dialog = await made;
    const acknowledged = happens<[SrfRequest]>(dialog, 'ack');
    inDialog(peer, 'ACK', ok, 1, {}, ANSWER);
    const [ack] = await acknowledged;
    expect(ack.body).toBe(ANSWER);
    expect(dialog.remote.sdp).toBe(ANSWER);
  });
});

describe('CANCEL', () => {
  it('ends a call that is not answered, and the application hears of it', async () => {
    let seen: (request: SrfRequest, response: SrfResponse) => void;
    const invited = new Promise<[SrfRequest, SrfResponse]>((done) => (seen = (...both) => done(both)));
    const srf = await app((s) => s.invite((req, res) => seen(req, res)));
    const peer = await udpPeer();
    const via = peer.via;
    const fields = { Via: via, From: '<sip:a@b>;tag=1', 'Call-ID': 'cancel-me' };
    peer.send('INVITE', target(), fields, OFFER);
    const [req, res] = await invited;
    const cancelled = happens(req, 'cancel');
    peer.send('CANCEL', target(), { ...fields, CSeq: '1 CANCEL', Contact: undefined });
    const toCancel = await peer.response(200, 'CANCEL');
    const toInvite = await peer.response(487, 'INVITE');
    expect(toInvite.headers.get('To')).toBe(toCancel.headers.get('To'));
    inDialog(peer, 'ACK', toInvite, 1, { Via: via });
    await cancelled;
    // What the application says afterwards comes too late.
    await expect(srf.createUAS(req, res, { localSdp: ANSWER })).rejects.toBe(
      'Response not sent due to unknown transaction',
    );
    expect(server.stats().dialogs).toBe(0);
  });

  it('that crosses the answer is taken and changes nothing', async () => {
    let resolve: (dialog: SrfDialog) => void;
    const made = new Promise<SrfDialog>((done) => (resolve = done));
    await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: ANSWER }).then(resolve)));
    const peer = await udpPeer();
    const fields = { Via: peer.via, From: '<sip:a@b>;tag=1', 'Call-ID': 'too-late' };
    peer.send('INVITE', target(), fields, OFFER);
    const ok = await peer.response(200, 'INVITE');
    peer.send('CANCEL', target(), { ...fields, CSeq: '1 CANCEL', Contact: undefined });
    await peer.response(200, 'CANCEL');
    const dialog = await made;
    const acknowledged = happens(dialog, 'ack');
    inDialog(peer, 'ACK', ok, 1);
    await acknowledged;
    expect(dialog.connected).toBe(true);
    inDialog(peer, 'BYE', ok, 2);
    await peer.response(200, 'BYE');
    expect(peer.received.some((message) => message.kind === 'response' && message.status === 487)).toBe(
      false,
    );
  });

  it('is what the closed connection of a WebSocket caller amounts to', async () => {
    let seen: (request: SrfRequest) => void;
    const invited = new Promise<SrfRequest>((done) => (seen = done));
    await app((s) => s.invite((req) => seen(req)));
    const peer = await webSocketPeer();
    peer.send('INVITE', target(), {}, OFFER);
    const cancelled = happens(await invited, 'cancel');
    await peer.close();
    await cancelled;
    await until(() => server.stats().transactions === 0);
  });

  it('of something unknown is answered 481', async () => {
    const peer = await udpPeer();
    peer.send('CANCEL', target(), { Contact: undefined });
    await peer.response(481);
  });
});

describe('a call in progress', () => {
  it('is changed by a re-INVITE of the far end', async () => {
    const { peer, ok, dialog } = await answered();
    const held = OFFER.replace('sendrecv', 'sendonly');
    dialog.on('modify', (req: SrfRequest, res: SrfResponse) => {
      expect(req.body).toBe(held);
      res.send(200, { body: ANSWER.replace('sendrecv', 'recvonly') });
    });
    inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, held);
    const again = await peer.response(200, 'INVITE');
    expect(again.body.toString()).toContain('recvonly');
    const acknowledged = happens(dialog, 'ack');
    inDialog(peer, 'ACK', ok, 2);
    await acknowledged;
  });

  it('is changed by a re-INVITE of the application', async () => {
    const { peer, dialog } = await answered();
    const modified = dialog.modify(OFFER);
    const invite = await peer.request('INVITE');
    expect(invite.body.toString()).toBe(OFFER);
    expect(invite.headers.get('Contact')).toBe(`<sip:127.0.0.1:${port()}>`);
    peer.reply(invite, 200, {}, ANSWER);
    const ack = await peer.request('ACK');
    expect(ack.headers.get('CSeq')).toBe((invite.headers.get('CSeq') ?? '').replace('INVITE', 'ACK'));
    expect(await modified).toBe(ANSWER);
    // The ACK is lost: the 200 comes again, and so does the ACK, without the application.
    peer.reply(invite, 200, {}, ANSWER);
    const repeated = await peer.request('ACK');
    expect(repeated.headers.get('Via')).toBe(ack.headers.get('Via'));
  });

  it('answers a re-INVITE that crosses ours with 491', async () => {
    const { peer, ok, dialog } = await answered();
    const modified = dialog.modify(OFFER);
    const ours = await peer.request('INVITE');
    inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, OFFER);
    const pending = await peer.response(491);
    inDialog(peer, 'ACK', ok, 2, { Via: pending.headers.get('Via') });
    peer.reply(ours, 200, {}, ANSWER);
    await modified;
  });

  it('answers a second re-INVITE before the first is answered with 500 and Retry-After', async () => {
    const { peer, ok, dialog } = await answered();
    const first = happens<[SrfRequest, SrfResponse]>(dialog, 'modify');
    inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, OFFER);
    const [, res] = await first;
    inDialog(peer, 'INVITE', ok, 3, { Contact: peer.contact }, OFFER);
    const busy = await peer.response(500);
    expect(Number(busy.headers.get('Retry-After'))).toBeLessThanOrEqual(10);
    res.send(488);
    await peer.response(488);
  });

  it('answers a request that is out of order with 500', async () => {
    const { peer, ok } = await answered();
    inDialog(peer, 'INFO', ok, 5);
    await peer.response(200, 'INFO');
    inDialog(peer, 'INFO', ok, 4);
    await peer.response(500, 'INFO');
  });

  it('passes INFO, NOTIFY and UPDATE both ways', async () => {
    const { peer, ok, dialog } = await answered();
    dialog.on('info', (req: SrfRequest, res: SrfResponse) => {
      expect(req.get('X-Key')).toBe('5');
      res.send(200, { headers: { 'X-Seen': 'yes' } });
    });
    inDialog(peer, 'INFO', ok, 2, { 'X-Key': '5' });
    expect((await peer.response(200, 'INFO')).headers.get('X-Seen')).toBe('yes');
    inDialog(peer, 'UPDATE', ok, 3, { Contact: peer.contact });
    expect((await peer.response(200, 'UPDATE')).headers.get('Contact')).toBeDefined();
    const sent = dialog.request({ method: 'INFO', headers: { 'X-Key': '#' }, body: 'Signal=#' });
    const info = await peer.request('INFO');
    expect(info.body.toString()).toBe('Signal=#');
    peer.reply(info, 200);
    expect((await sent).status).toBe(200);
  });

  it('is over for the application when the far end has forgotten it', async () => {
    const { peer, dialog } = await answered();
    const ended = happens<[SrfRequest, string]>(dialog, 'destroy');
    const sent = dialog.request({ method: 'INFO' });
    peer.reply(await peer.request('INFO'), 481);
    expect((await sent).status).toBe(481);
    expect((await ended)[1]).toBe('dialog unknown to the far end');
    expect(server.stats().dialogs).toBe(0);
  });

  it('agrees on a session timer that the caller refreshes', async () => {
    const srf = await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: ANSWER })));
    expect(srf).toBeDefined();
    const peer = await udpPeer();
    peer.send('INVITE', target(), { Supported: 'timer', 'Session-Expires': '1800' }, OFFER);
    const ok = await peer.response(200);
    expect(ok.headers.get('Session-Expires')).toBe('1800;refresher=uac');
    expect(ok.headers.get('Require')).toBe('timer');
    inDialog(peer, 'ACK', ok, 1);
  });
});

describe('requests without a call', () => {
  it('in an unknown dialog are answered 481', async () => {
    await app((srf) => srf.invite(() => undefined));
    const peer = await udpPeer();
    for (const method of ['BYE', 'INFO', 'INVITE', 'UPDATE']) {
      peer.send(method, target(), { To: `<${target()}>;tag=nobody` });
      await peer.response(481, method);
    }
    expect(server.stats().refusals[481]).toBe(4);
  });

  it.each([
    ['a method nobody handles', 'PUBLISH', {}, 405],
    ['an extension we lack', 'INVITE', { Require: 'timer, teleport' }, 420],
    ['a hop limit of zero', 'INVITE', { 'Max-Forwards': '0' }, 483],
    ['a Contact that is no URI', 'INVITE', { Contact: '[sip:x@y]' }, 400],
    ['no Contact', 'INVITE', { Contact: undefined }, 400],
    ['a session interval that is too small', 'INVITE', { Supported: 'timer', 'Session-Expires': '20' }, 422],
  ] as const)(
    'with %s are refused before an application sees them',
    async (_what, method, fields, status) => {
      let calls = 0;
      await app((srf) => srf.invite(() => (calls += 1)));
      const peer = await udpPeer();
      peer.send(method, target(), fields);
      const refusal = await peer.response(status);
      if (status === 405) expect(refusal.headers.get('Allow')).toContain('INVITE');
      if (status === 420) expect(refusal.headers.get('Unsupported')).toBe('teleport');
      if (status === 422) expect(refusal.headers.get('Min-SE')).toBe('90');
      expect(calls).toBe(0);
    },
  );

  it('with a URI scheme we do not know are answered 416', async () => {
    await app((srf) => srf.invite(() => undefined));
    const peer = await udpPeer();
    peer.send('INVITE', 'urn:service:sos', {});
    await peer.response(416);
  });

  it('that came by two ways are answered 482 the second time', async () => {
    await app((srf) => srf.invite(() => undefined));
    const peer = await udpPeer();
    const fields = { From: '<sip:a@b>;tag=1', 'Call-ID': 'merged' };
    peer.send('INVITE', target(), fields, OFFER);
    await peer.response(100);
    peer.send('INVITE', target(), fields, OFFER);
    await peer.response(482);
  });

  it('for calls get 503 with Retry-After while no application is there', async () => {
    const peer = await udpPeer();
    peer.send('INVITE', target(), {}, OFFER);
    expect((await peer.response(503)).headers.get('Retry-After')).toBe('5');
  });

  it('OPTIONS is answered by the server, with 503 while it drains, unless an application wants it', async () => {
    const peer = await udpPeer();
    peer.send('OPTIONS', target(), {});
    const ok = await peer.response(200);
    expect(ok.headers.get('Allow')).toContain('BYE');
    expect(ok.headers.get('Accept')).toBe('application/sdp');
    server.setDraining(true);
    peer.send('OPTIONS', target(), {});
    expect((await peer.response(503)).headers.get('Retry-After')).toBeDefined();
    await app((srf) => srf.options((_req, res) => res.send(200, { headers: { 'X-By': 'application' } })));
    peer.send('OPTIONS', target(), {});
    expect((await peer.response(200)).headers.get('X-By')).toBe('application');
  });

  it('are sent by the application, and their responses heard, also when none comes', async () => {
    const srf = await app(() => undefined);
    const peer = await udpPeer();
    const send = (method: string): Promise<[SrfResponse]> =>
      new Promise((resolve) =>
        srf.request(
          { uri: `sip:x@127.0.0.1:${peer.port}`, method, headers: { From: '<sip:me@localhost>' } },
          (_error, request) => {
            request.once('response', (response: SrfResponse) => resolve([response]));
          },
        ),
      );
    const options = send('OPTIONS');
    const request = await peer.request('OPTIONS');
    expect(request.headers.get('From')).toMatch(/^<sip:me@127\.0\.0\.1>;tag=\w+$/);
    peer.reply(request, 200, { 'X-Answer': '42' });
    expect((await options)[0].get('X-Answer')).toBe('42');
    expect((await send('MESSAGE'))[0].status).toBe(408);
  });
});

describe('a call that goes out', () => {
  it('is answered, acknowledged, and ended by the far end', async () => {
    const srf = await app(() => undefined);
    const peer = await udpPeer();
    const provisional: number[] = [];
    const calling = srf.createUAC(
      `sip:x@127.0.0.1:${peer.port}`,
      { localSdp: OFFER, callingNumber: '1000', headers: { 'X-Out': '1' } },
      { cbProvisional: (response: SrfResponse) => provisional.push(response.status) },
    );
    const invite = await peer.request('INVITE');
    expect(invite.headers.get('Contact')).toBe(`sip:1000@127.0.0.1:${port()}`);
    expect(invite.headers.get('X-Out')).toBe('1');
    expect(invite.headers.get('Content-Type')).toBe('application/sdp');
    peer.reply(invite, 100);
    peer.reply(invite, 180);
    peer.reply(invite, 200, {}, ANSWER);
    const dialog = await calling;
    await peer.request('ACK');
    expect(provisional).toEqual([100, 180]);
    expect(dialog.remote.sdp).toBe(ANSWER);
    const ended = happens(dialog, 'destroy');
    peer.send('BYE', /<?(sip:[^>]+)>?/.exec(invite.headers.get('Contact') ?? '')?.[1] ?? '', {
      From: `${invite.headers.get('To') ?? ''};tag=rawuas`,
      To: invite.headers.get('From') ?? '',
      'Call-ID': invite.headers.get('Call-ID') ?? '',
    });
    await peer.response(200, 'BYE');
    await ended;
    expect(server.stats().dialogs).toBe(0);
  });

  it('is refused: the ACK goes out by itself, and the application hears the status', async () => {
    const srf = await app(() => undefined);
    const peer = await udpPeer();
    const calling = srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { localSdp: OFFER });
    const invite = await peer.request('INVITE');
    peer.reply(invite, 486);
    peer.reply(invite, 486);
    await expect(calling).rejects.toMatchObject({ status: 486 });
    const ack = await peer.request('ACK');
    expect(ack.headers.get('Via')).toBe(invite.headers.get('Via'));
    await peer.request('ACK');
  });

  it('is cancelled by the application, after the first provisional response', async () => {
    const srf = await app(() => undefined);
    const peer = await udpPeer();
    const calling = srf.createUAC(
      `sip:x@127.0.0.1:${peer.port}`,
      { localSdp: OFFER },
      { cbRequest: (_error: unknown, request: SrfRequest) => request.cancel() },
    );
    const invite = await peer.request('INVITE');
    peer.reply(invite, 180);
    const cancel = await peer.request('CANCEL');
    expect(cancel.headers.get('Via')).toBe(invite.headers.get('Via'));
    peer.reply(cancel, 200);
    peer.reply(invite, 487);
    await expect(calling).rejects.toMatchObject({ status: 487 });
  });

  it('fails with 408 when nobody answers, and is retransmitted until then', async () => {
    const srf = await app(() => undefined);
    const peer = await udpPeer();
    await expect(srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { localSdp: OFFER })).rejects.toMatchObject({
      status: 408,
    });
    const invites = peer.received.filter((message): message is SipRequest => message.kind === 'request');
    // Timer A: 0, 1, 3, 7, 15, 31, 63 · T1.
    expect(invites).toHaveLength(7);
  });

  it('that two forks answer goes to the first; the second is accepted and ended', async () => {
    const srf = await app(() => undefined);
    const peer = await udpPeer();
    const calling = srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { localSdp: OFFER });
    const invite = await peer.request('INVITE');
    peer.reply(invite, 200, {}, ANSWER);
    const dialog = await calling;
    await peer.request('ACK');
    invite.headers.set('To', `${invite.headers.get('To') ?? ''};tag=second`);
    peer.reply(invite, 200, {}, ANSWER);
    const ack = await peer.request('ACK');
    const bye = await peer.request('BYE');
    expect(ack.headers.get('To')).toContain('tag=second');
    expect(bye.headers.get('To')).toContain('tag=second');
    peer.reply(bye, 200);
    expect(dialog.connected).toBe(true);
  });

  it('goes over TCP where the URI says so', async () => {
    const srf = await app(() => undefined);
    let resolve: (dialog: SrfDialog) => void;
    const made = new Promise<SrfDialog>((done) => (resolve = done));
    const callee = await app((s) =>
      s.invite((req, res) => void s.createUAS(req, res, { localSdp: ANSWER }).then(resolve)),
    );
    expect(callee).toBeDefined();
    // Calls the server itself: both roles of one Call-ID live side by side.
    const caller = await srf.createUAC(`sip:x@127.0.0.1:${port()};transport=tcp`, { localSdp: OFFER });
    const called = await made;
    expect(server.stats().dialogs).toBe(2);
    const ended = happens(called, 'destroy');
    await caller.destroy();
    await ended;
    expect(server.stats().dialogs).toBe(0);
  });
});

describe('applications', () => {
  it('with a wrong secret are turned away', async () => {
    const srf = newSrf();
    srf.on('error', () => undefined);
    srf.connect({
      host: '127.0.0.1',
      port: server.adminAddress.port,
      secret: 'guess',
      reconnect: { maxAttempts: 1 },
    });
    const [error] = await happens<[Error]>(srf, 'connect');
    expect(error.message).toBe('failed to authenticate to server');
    expect(server.stats().applications).toBe(0);
  });

  it('take new calls in turn', async () => {
    const took: string[] = [];
    for (const name of ['a', 'b']) {
      await app((srf) =>
        srf.invite((_req, res) => {
          took.push(name);
          res.send(486);
        }),
      );
    }
    const peer = await udpPeer();
    for (let call = 0; call < 4; call += 1) {
      peer.send('INVITE', target(), {}, OFFER);
      await peer.response(486);
    }
    expect(took).toEqual(['a', 'b', 'a', 'b']);
  });

  it('that die leave nothing: calls get a BYE, unanswered INVITEs 503', async () => {
    const { peer, srf } = await answered();
    const second = await udpPeer();
    srf.removeAllListeners('connect');
    let seen: () => void;
    const invited = new Promise<void>((done) => (seen = done));
    const dying = await connectApp(server, (s) => s.use('message', () => seen()));
    second.send('MESSAGE', target(), {});
    await invited;
    dying.disconnect();
    await second.response(503);
    srf.disconnect();
    const bye = await peer.request('BYE');
    expect(bye.headers.get('Reason')).toContain('application gone');
    peer.reply(bye, 200);
    await until(() => server.stats().dialogs === 0);
  });
});

describe('malformed input', () => {
  it('is answered 400 where it can be, dropped and counted where not, and never stops the server', async () => {
    const peer = await udpPeer();
    peer.send('INVITE', target(), { CSeq: '1 BYE' });
    await peer.response(400);
    for (let round = 0; round < 200; round += 1) {
      peer.sendText(`INVITE ${'x'.repeat(round)} SIP/2.0\r\nVia: ${round}\r\n\r\n`);
      peer.sendText(Buffer.from([0, round % 256, 255, 254, 13, 10, 13, 10, 1]));
      peer.sendText('SIP/2.0 200 OK\r\n\r\n');
    }
    peer.send('OPTIONS', target(), {});
    await peer.response(200, 'OPTIONS');
    expect(server.stats().transport.malformed).toBeGreaterThan(100);
    expect(server.stats().transport.handlerErrors).toBe(0);
  });
});

describe('the server', () => {
  it('says so when its address is taken', async () => {
    await expect(
      createSipServer({
        udp: { host: '127.0.0.1', port: port() },
        admin: { host: '127.0.0.1', port: 0, secret: SECRET },
      }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('refuses what exceeds its limits with 503 and Retry-After', async () => {
    const small = await createSipServer({
      udp: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0, secret: SECRET },
      maxTransactions: 2,
    });
    const peer = await UdpPeer.open(small.udpAddress?.port ?? 0);
    try {
      for (let count = 0; count < 3; count += 1) peer.send('OPTIONS', target(), {});
      const busy = await peer.response(503);
      expect(busy.headers.get('Retry-After')).toBe('5');
    } finally {
      await peer.close();
      await small.close();
    }
  });
});
