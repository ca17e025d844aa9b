import { describe, expect, it } from 'vitest';
import { happens } from './sip-server/srf-app.js';
import type { SrfRequest, SrfResponse } from './sip-server/srf-app.js';

useFreshServers();
import {
  offer,
  answer,
  server,
  app,
  udpPeer,
  port,
  target,
  inDialog,
  answered,
  until,
  webSocketPeer,
  useFreshServers,
} from './sip-server/drachtio-stage.js';

describe('a call in progress', () => {
  it('is changed by a re-INVITE of the far end', async () => {
    const { peer, ok, dialog } = await answered();
    const held = offer.replace('sendrecv', 'sendonly');
    dialog.on('modify', (req: SrfRequest, res: SrfResponse) => {
      expect(req.body).toBe(held);
      res.send(200, { body: answer.replace('sendrecv', 'recvonly') });
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
    const modified = dialog.modify(offer);
    const invite = await peer.request('INVITE');
    expect(invite.body.toString()).toBe(offer);
    expect(invite.headers.get('Contact')).toBe(`<sip:127.0.0.1:${port()}>`);
    peer.reply(invite, 200, {}, answer);
    const ack = await peer.request('ACK');
    expect(ack.headers.get('CSeq')).toBe((invite.headers.get('CSeq') ?? '').replace('INVITE', 'ACK'));
    expect(await modified).toBe(answer);
    // The ACK is lost: the 200 comes again, and so does the ACK, without the application.
    peer.reply(invite, 200, {}, answer);
    const repeated = await peer.request('ACK');
    expect(repeated.headers.get('Via')).toBe(ack.headers.get('Via'));
  });

  it('answers a re-INVITE that crosses ours with 491', async () => {
    const { peer, ok, dialog } = await answered();
    const modified = dialog.modify(offer);
    const ours = await peer.request('INVITE');
    inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, offer);
    const pending = await peer.response(491);
    inDialog(peer, 'ACK', ok, 2, { Via: pending.headers.get('Via') });
    peer.reply(ours, 200, {}, answer);
    await modified;
  });

  it('answers a second re-INVITE before the first is answered with 500 and Retry-After', async () => {
    const { peer, ok, dialog } = await answered();
    const first = happens<[SrfRequest, SrfResponse]>(dialog, 'modify');
    inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, offer);
    const [, res] = await first;
    inDialog(peer, 'INVITE', ok, 3, { Contact: peer.contact }, offer);
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

  it('over a WebSocket goes by that alone, whatever the Contact leads to', async () => {
    const other = await udpPeer();
    const { peer, dialog } = await answered(async () => {
      const browser = await webSocketPeer();
      // Some clients write neither `transport=ws` nor a name that nobody has.
      [browser.host, browser.port] = ['127.0.0.1', other.port];
      browser.contactUri = `sip:browser@127.0.0.1:${other.port}`;
      return browser;
    });
    const asked = dialog.request({ method: 'INFO' });
    peer.reply(await peer.request('INFO'), 200);
    expect((await asked).status).toBe(200);
    await peer.close();
    await until(() => server.stats().transport.connectionsOpen === 0);
    await dialog.request({ method: 'INFO' }).catch(() => undefined);
    await dialog.destroy().catch(() => undefined);
    await until(() => server.stats().dialogs === 0);
    // What would have gone out before this is here before it.
    other.send('OPTIONS', target(), {});
    await other.response(200, 'OPTIONS');
    expect(other.received).toHaveLength(1);
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
    const srf = await app((s) => s.invite((req, res) => void s.createUAS(req, res, { localSdp: answer })));
    expect(srf).toBeDefined();
    const peer = await udpPeer();
    peer.send('INVITE', target(), { Supported: 'timer', 'Session-Expires': '1800' }, offer);
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
    peer.send('INVITE', target(), fields, offer);
    await peer.response(100);
    peer.send('INVITE', target(), fields, offer);
    await peer.response(482);
  });

  it('for calls get 503 with Retry-After while no application is there', async () => {
    const peer = await udpPeer();
    peer.send('INVITE', target(), {}, offer);
    expect((await peer.response(503)).headers.get('Retry-After')).toBe('5');
  });

  it('OPTIONS is answered by the server, with 503 while it drains, unless an application wants it', async () => {
    const peer = await udpPeer();
    peer.send('OPTIONS', target(), {});
    const ok = await peer.response(200);
    expect(ok.headers.get('Allow')).toContain('BYE');
    expect(ok.headers.get('Accept')).toBe('application/sdp, multipart/mixed');
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
    const [answered] = await options;
    expect(answered.get('X-Answer')).toBe('42');
    expect(answered.source_address).toBe('127.0.0.1');
    // What nobody said is nobody's.
    expect((await send('MESSAGE'))[0]).toMatchObject({ status: 408, source_address: '' });
  });
});
