import { describe, expect, it } from 'vitest';
import { happens } from './sip-server/srf-app.js';
import type { SrfDialog, SrfRequest, SrfResponse } from './sip-server/srf-app.js';

useFreshServers();
import {
  offer,
  answer,
  timers,
  server,
  app,
  udpPeer,
  port,
  target,
  inDialog,
  answered,
  tcpPeer,
  webSocketPeer,
  until,
  useFreshServers,
} from './sip-server/drachtio-stage.js';

describe('a call that comes in', () => {
  it.each([
    ['UDP', udpPeer],
    ['TCP', tcpPeer],
    ['WebSocket', webSocketPeer],
  ] as const)('is answered over %s, and ended with BYE by the caller', async (_name, open) => {
    const { peer, ok, dialog } = await answered(open);
    // Over UDP an answer that comes soon spares the 100 (RFC 3261 §17.2.1).
    const [first] = peer.received;
    const soon = open === udpPeer ? [100, 200] : [100];
    expect(first?.kind === 'response' && soon.includes(first.status)).toBe(true);
    expect(ok.body.toString()).toBe(answer);
    expect(ok.headers.get('Content-Type')).toBe('application/sdp');
    expect(ok.headers.get('To')).toMatch(/;tag=\w+/);
    expect(ok.headers.get('Server')).toBe('Landbridge test');
    expect(dialog.remote.sdp).toBe(offer);
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
    const { peer, dialog } = await answered(open);
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
    peer.send('INVITE', target(), {}, offer);
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
    const text = peer.send('INVITE', target(), {}, offer);
    const refusal = await peer.response(403);
    expect(refusal.reason).toBe('No Way');
    expect(refusal.headers.get('Reason')).toBe('SIP;cause=403;text="token-missing"');
    expect(refusal.headers.get('Retry-After')).toBe('7');
    expect(refusal.headers.get('X-Custom')).toBe('a');
    peer.sendText(text);
    const again = await peer.responseAgain(403);
    expect(again.headers.get('To')).toBe(refusal.headers.get('To'));
    inDialog(peer, 'ACK', refusal, 1, { Via: refusal.headers.get('Via') });
    await until(() => server.stats().transactions === 0);
    expect(calls).toBe(1);
  });

  it('rings before it is answered', async () => {
    const srf = await app((s) =>
      s.invite((req, res) => {
        res.send(180);
        res.send(183, { body: answer, headers: { 'X-Early': 'yes' } });
        void s.createUAS(req, res, { localSdp: answer });
      }),
    );
    expect(srf).toBeDefined();
    const peer = await udpPeer();
    peer.send('INVITE', target(), {}, offer);
    const ringing = await peer.response(180);
    const progress = await peer.response(183);
    const ok = await peer.response(200);
    expect(progress.headers.get('X-Early')).toBe('yes');
    expect(progress.body.toString()).toBe(answer);
    expect(ringing.headers.get('To')).toBe(ok.headers.get('To'));
    expect(ringing.headers.get('Contact')).toBeDefined();
    inDialog(peer, 'ACK', ok, 1);
  });

  it('is one call, however often its INVITE comes', async () => {
    let calls = 0;
    await app((s) =>
      s.invite((req, res) => {
        calls += 1;
        void s.createUAS(req, res, { localSdp: answer });
      }),
    );
    const peer = await udpPeer();
    const text = peer.send('INVITE', target(), {}, offer);
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
    const srf = await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: answer })));
    expect(srf).toBeDefined();
    const peer = await udpPeer();
    peer.send('INVITE', target(), {}, offer);
    const first = await peer.response(200);
    const second = await peer.responseAgain(200);
    await peer.responseAgain(200);
    expect(second.headers.get('To')).toBe(first.headers.get('To'));
    inDialog(peer, 'ACK', first, 1);
    await until(() => server.stats().transactions === 0);
    expect(server.stats().dialogs).toBe(1);
  });

  it('is ended with BYE, and the application told why, when its ACK never comes', async () => {
    let resolve: (dialog: SrfDialog) => void;
    const made = new Promise<SrfDialog>((done) => (resolve = done));
    await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: answer }).then(resolve)));
    const peer = await udpPeer();
    const sentAt = Date.now();
    peer.send('INVITE', target(), {}, offer);
    await peer.response(200);
    const dialog = await made;
    const ended = happens<[SrfRequest, string]>(dialog, 'destroy');
    const bye = await peer.request('BYE');
    expect(Date.now() - sentAt).toBeGreaterThanOrEqual(64 * timers.t1Ms - 5);
    peer.reply(bye, 200);
    expect((await ended)[1]).toBe('no ACK received');
    expect(server.stats()).toMatchObject({ dialogs: 0, dialogsEndedByServer: 1 });
  });

  it('is not ended with BYE by the application before the caller has acknowledged the answer', async () => {
    let resolve: (dialog: SrfDialog) => void;
    const made = new Promise<SrfDialog>((done) => (resolve = done));
    await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: answer }).then(resolve)));
    const peer = await udpPeer();
    peer.send('INVITE', target(), {}, offer);
    const ok = await peer.response(200);
    const destroyed = (await made).destroy();
    await peer.responseAgain(200); // nothing else came before it
    expect(peer.received.some((message) => message.kind === 'request')).toBe(false);
    inDialog(peer, 'ACK', ok, 1);
    peer.reply(await peer.request('BYE'), 200);
    await destroyed;
  });

  it('may leave the offer to us: the answer comes with the ACK', async () => {
    let resolve: (dialog: SrfDialog) => void;
    const made = new Promise<SrfDialog>((done) => (resolve = done));
    await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: offer }).then(resolve)));
    const peer = await udpPeer();
    peer.send('INVITE', target(), {});
    const ok = await peer.response(200);
    expect(ok.body.toString()).toBe(offer);
    const dialog = await made;
    const acknowledged = happens<[SrfRequest]>(dialog, 'ack');
    inDialog(peer, 'ACK', ok, 1, {}, answer);
    const [ack] = await acknowledged;
    expect(ack.body).toBe(answer);
    expect(dialog.remote.sdp).toBe(answer);
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
    peer.send('INVITE', target(), fields, offer);
    const [req, res] = await invited;
    const cancelled = happens(req, 'cancel');
    peer.send('CANCEL', target(), { ...fields, CSeq: '1 CANCEL', Contact: undefined });
    const toCancel = await peer.response(200, 'CANCEL');
    const toInvite = await peer.response(487, 'INVITE');
    expect(toInvite.headers.get('To')).toBe(toCancel.headers.get('To'));
    inDialog(peer, 'ACK', toInvite, 1, { Via: via });
    await cancelled;
    // What the application says afterwards comes too late.
    await expect(srf.createUAS(req, res, { localSdp: answer })).rejects.toBe(
      'Response not sent due to unknown transaction',
    );
    expect(server.stats().dialogs).toBe(0);
  });

  it('that crosses the answer is taken and changes nothing', async () => {
    let resolve: (dialog: SrfDialog) => void;
    const made = new Promise<SrfDialog>((done) => (resolve = done));
    await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: answer }).then(resolve)));
    const peer = await udpPeer();
    const fields = { Via: peer.via, From: '<sip:a@b>;tag=1', 'Call-ID': 'too-late' };
    peer.send('INVITE', target(), fields, offer);
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
    peer.send('INVITE', target(), {}, offer);
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
