import { describe, expect, it } from 'vitest';
import { createSipServer } from '../../src/sip-server/index.js';
import type { SipRequest } from '../../src/sip-server/index.js';
import { UdpPeer } from './sip-server/raw-peer.js';
import { connectApp, happens, newSrf, secret } from './sip-server/srf-app.js';
import type { SrfDialog, SrfRequest, SrfResponse } from './sip-server/srf-app.js';

useFreshServers();
import {
  offer,
  answer,
  server,
  app,
  udpPeer,
  port,
  target,
  answered,
  until,
  useFreshServers,
} from './sip-server/drachtio-stage.js';

describe('a call that goes out', () => {
  it('is answered, acknowledged, and ended by the far end', async () => {
    const srf = await app(() => undefined);
    const peer = await udpPeer();
    const provisional: number[] = [];
    const calling = srf.createUAC(
      `sip:x@127.0.0.1:${peer.port}`,
      { localSdp: offer, callingNumber: '1000', headers: { 'X-Out': '1' } },
      { cbProvisional: (response: SrfResponse) => provisional.push(response.status) },
    );
    const invite = await peer.request('INVITE');
    expect(invite.headers.get('Contact')).toBe(`<sip:1000@127.0.0.1:${port()}>`);
    expect(invite.headers.get('X-Out')).toBe('1');
    expect(invite.headers.get('Content-Type')).toBe('application/sdp');
    peer.reply(invite, 100);
    peer.reply(invite, 180);
    peer.reply(invite, 200, {}, answer);
    const dialog = await calling;
    await peer.request('ACK');
    expect(provisional).toEqual([100, 180]);
    expect(dialog.remote.sdp).toBe(answer);
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
    const calling = srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { localSdp: offer });
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
      { localSdp: offer },
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
    await expect(srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { localSdp: offer })).rejects.toMatchObject({
      status: 408,
    });
    const invites = peer.received.filter((message): message is SipRequest => message.kind === 'request');
    // Seven times (timer A: 0, 1, 3, 7, 15, 31, 63 · T1), fewer where a busy machine is late; the exact times are the timers' own test.
    expect(invites.length).toBeGreaterThan(1);
    expect(invites.length).toBeLessThanOrEqual(7);
  });

  it('that two forks answer goes to the first; the second is accepted and ended', async () => {
    const srf = await app(() => undefined);
    const peer = await udpPeer();
    const calling = srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { localSdp: offer });
    const invite = await peer.request('INVITE');
    peer.reply(invite, 200, {}, answer);
    const dialog = await calling;
    await peer.request('ACK');
    invite.headers.set('To', `${invite.headers.get('To') ?? ''};tag=second`);
    peer.reply(invite, 200, {}, answer);
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
      s.invite((req, res) => void s.createUAS(req, res, { localSdp: answer }).then(resolve)),
    );
    expect(callee).toBeDefined();
    // Calls the server itself: both roles of one Call-ID live side by side.
    const caller = await srf.createUAC(`sip:x@127.0.0.1:${port()};transport=tcp`, { localSdp: offer });
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
      peer.send('INVITE', target(), {}, offer);
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
        admin: { host: '127.0.0.1', port: 0, secret: secret },
      }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('refuses what exceeds its limits with 503 and Retry-After', async () => {
    const small = await createSipServer({
      udp: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0, secret: secret },
      maxTransactions: 2,
    });
    const peer = await UdpPeer.open(small.udpAddress?.port ?? 0);
    const srf = await connectApp(small, (application) => application.message(() => undefined));
    try {
      for (let count = 0; count < 3; count += 1) peer.send('MESSAGE', target(), {});
      const busy = await peer.response(503);
      expect(busy.headers.get('Retry-After')).toBe('5');
    } finally {
      srf.disconnect();
      await peer.close();
      await small.close();
    }
  });
});
