/**
 * What goes wrong on the way of a call, seen from the far end; and that nothing is left of it afterwards: no transaction, no dialog,
 * no question to the application, no connection, no timer.
 */
import { describe, expect, it } from 'vitest';
import {
  answer,
  answered,
  app,
  inDialog,
  nothingIsLeft,
  offer,
  server,
  target,
  tcpPeer,
  udpPeer,
  useFreshServers,
} from './sip-server/drachtio-stage.js';
import type { SipResponse } from '../../src/sip-server/index.js';
import type { RawPeer } from './sip-server/raw-peer.js';
import { happens, type SrfDialog, type SrfRequest, type SrfResponse } from './sip-server/srf-app.js';

useFreshServers();

/** An application that answers, and the dialogs that it made. */
async function answering(localSdp = answer): Promise<{ readonly made: Promise<SrfDialog>[] }> {
  const made: Promise<SrfDialog>[] = [];
  await app((srf) => srf.invite((req, res) => void made.push(srf.createUAS(req, res, { localSdp }))));
  return { made };
}

/** A caller whose INVITE an application has answered 183, reliably, and takes its PRACK. */
async function provisionally(): Promise<{ readonly peer: RawPeer; readonly responseOf: () => SrfResponse }> {
  let response: SrfResponse | undefined;
  await app((srf) => {
    srf.invite((_req, res) => {
      response = res;
      res.send(183, { headers: { Require: '100rel' }, body: answer });
    });
    srf.use('prack', (_req, res) => res.send(200));
  });
  const peer = await udpPeer();
  peer.send('INVITE', target(), { Supported: '100rel' }, offer);
  return {
    peer,
    responseOf: () => {
      if (response === undefined) throw new Error('no INVITE came');
      return response;
    },
  };
}

async function byeOf(peer: RawPeer, status: number | null): Promise<void> {
  const bye = await peer.request('BYE');
  if (status !== null) peer.reply(bye, status);
}

describe('an answer that does not arrive', () => {
  it('once, is heard the second time', async () => {
    await answering();
    const peer = await udpPeer();
    peer.send('INVITE', target(), {}, offer);
    const lost = await peer.response(200);
    const ok = await peer.responseAgain(200);
    expect(ok.headers.get('To')).toBe(lost.headers.get('To'));
    inDialog(peer, 'ACK', ok, 1);
    inDialog(peer, 'BYE', ok, 2);
    await peer.response(200, 'BYE');
    await nothingIsLeft();
  });

  it('at all, ends the call with BYE', async () => {
    await answering();
    const peer = await udpPeer();
    peer.send('INVITE', target(), {}, offer);
    await byeOf(peer, 200);
    expect(
      peer.received.filter((one) => one.kind === 'response' && one.status === 200).length,
    ).toBeGreaterThan(3);
    await nothingIsLeft();
  });

  it('to a caller over TCP, who lost nothing, is one that he never acknowledged: it comes again, then BYE', async () => {
    await answering();
    const peer = await tcpPeer();
    peer.send('INVITE', target(), {}, offer);
    await peer.response(200);
    // RFC 3261 §13.3.1.4: whatever the transport.
    await peer.responseAgain(200);
    await byeOf(peer, 200);
    await nothingIsLeft();
  });

  it('to a caller who is gone, ends with a BYE that nobody answers', async () => {
    await answering();
    const peer = await udpPeer();
    peer.send('INVITE', target(), {}, offer);
    await byeOf(peer, null);
    await byeOf(peer, null);
    await nothingIsLeft();
  });
});

describe('a CANCEL', () => {
  it('right behind its INVITE ends it', async () => {
    const cancelled: Promise<unknown>[] = [];
    await app((srf) => srf.invite((req) => void cancelled.push(happens(req, 'cancel'))));
    const peer = await udpPeer();
    const fields = { Via: peer.via, From: '<sip:a@b>;tag=1', 'Call-ID': 'before-100' };
    peer.send('INVITE', target(), fields, offer);
    peer.send('CANCEL', target(), { ...fields, CSeq: '1 CANCEL', Contact: undefined });
    await peer.response(200, 'CANCEL');
    const refused = await peer.response(487, 'INVITE');
    inDialog(peer, 'ACK', refused, 1, { Via: fields.Via });
    await Promise.all(cancelled);
    expect(cancelled).toHaveLength(1);
    await nothingIsLeft();
  });

  it('behind the answer changes nothing', async () => {
    await answering();
    const peer = await udpPeer();
    const fields = { Via: peer.via, From: '<sip:a@b>;tag=1', 'Call-ID': 'behind-200' };
    peer.send('INVITE', target(), fields, offer);
    const ok = await peer.response(200, 'INVITE');
    peer.send('CANCEL', target(), { ...fields, CSeq: '1 CANCEL', Contact: undefined });
    await peer.response(200, 'CANCEL');
    inDialog(peer, 'ACK', ok, 1);
    inDialog(peer, 'BYE', ok, 2);
    await peer.response(200, 'BYE');
    await nothingIsLeft();
  });
});

describe('a re-INVITE', () => {
  it('over another that has no answer waits, and both ends know when', async () => {
    const { peer, ok, dialog } = await answered();
    const asked = happens<[SrfRequest, SrfResponse]>(dialog, 'modify');
    inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, offer);
    const [, response] = await asked;
    inDialog(peer, 'INVITE', ok, 3, { Contact: peer.contact }, offer);
    const refused = await peer.response(500, 'INVITE');
    expect(Number(refused.headers.get('Retry-After'))).toBeLessThanOrEqual(10);
    inDialog(peer, 'ACK', refused, 3, { Via: refused.headers.get('Via') });
    response.send(200, { body: answer });
    const again = await peer.response(200, 'INVITE');
    expect(again.headers.get('CSeq')).toBe('2 INVITE');
    inDialog(peer, 'ACK', ok, 2);
    inDialog(peer, 'BYE', ok, 4);
    await peer.response(200, 'BYE');
    await nothingIsLeft();
  });

  it('that meets another is refused on both sides, and the call goes on', async () => {
    const { peer, ok, dialog } = await answered();
    const ours = dialog.request({ method: 'INVITE', body: offer });
    const invite = await peer.request('INVITE');
    inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, offer);
    const refused = await peer.response(491, 'INVITE');
    inDialog(peer, 'ACK', refused, 2, { Via: refused.headers.get('Via') });
    peer.reply(invite, 491);
    expect((await ours).status).toBe(491);
    inDialog(peer, 'BYE', ok, 3);
    await peer.response(200, 'BYE');
    await nothingIsLeft();
  });

  it('that has no answer when the BYE comes is over, too', async () => {
    const { peer, ok, dialog } = await answered();
    const asked = happens(dialog, 'modify');
    inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, offer);
    await asked;
    inDialog(peer, 'BYE', ok, 3);
    await peer.response(487, 'INVITE');
    await nothingIsLeft();
  });

  it('that crosses our BYE gets 481', async () => {
    const { peer, ok, dialog } = await answered();
    const ended = dialog.destroy();
    const bye = await peer.request('BYE');
    inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, offer);
    await peer.response(481, 'INVITE');
    peer.reply(bye, 200);
    await ended;
    await nothingIsLeft();
  });
});

it('a call without an offer gets ours, and answers it in the ACK', async () => {
  const { made } = await answering(offer);
  const peer = await udpPeer();
  peer.send('INVITE', target(), {});
  const ok = await peer.response(200);
  expect(ok.body.toString()).toBe(offer);
  const dialog = await made[0];
  if (dialog === undefined) throw new Error('there is no call');
  const acknowledged = happens<[SrfRequest]>(dialog, 'ack');
  inDialog(peer, 'ACK', ok, 1, {}, answer);
  expect((await acknowledged)[0].body).toBe(answer);
  inDialog(peer, 'BYE', ok, 2);
  await peer.response(200, 'BYE');
  await nothingIsLeft();
});

it('provisional responses that must arrive come one after the other, and the answer behind them', async () => {
  const sent: string[] = [];
  await app((srf) => {
    srf.invite((req, res) => {
      const reliable = { headers: { Require: '100rel' }, body: answer };
      res.send(180, reliable, () => sent.push('180'));
      res.send(183, reliable, () => sent.push('183'));
      void srf.createUAS(req, res, { localSdp: answer });
    });
    srf.use('prack', (_req, res) => res.send(200));
  });
  const peer = await udpPeer();
  peer.send('INVITE', target(), { Supported: '100rel' }, offer);
  for (const [index, status] of [180, 183].entries()) {
    const provisional = await peer.response(status);
    // Nothing overtakes it: what comes before its PRACK is the same again.
    await peer.responseAgain(status);
    expect(sent).toEqual(['180', '183'].slice(0, index + 1));
    inDialog(peer, 'PRACK', provisional, index + 2, { RAck: `${provisional.headers.get('RSeq')} 1 INVITE` });
    await peer.response(200, 'PRACK');
  }
  const ok = await peer.response(200, 'INVITE');
  inDialog(peer, 'ACK', ok, 1);
  inDialog(peer, 'BYE', ok, 4);
  await peer.response(200, 'BYE');
  await nothingIsLeft();
});

it('a provisional response that must arrive is sent again until its PRACK', async () => {
  const { peer, responseOf } = await provisionally();
  const first = await peer.response(183);
  const again = await peer.responseAgain(183);
  const rseq = again.headers.get('RSeq') ?? '';
  expect(rseq).toBe(first.headers.get('RSeq'));
  inDialog(peer, 'PRACK', again, 2, { RAck: `${rseq} 1 INVITE` });
  await peer.response(200, 'PRACK');
  responseOf().send(486);
  const busy = await peer.response(486, 'INVITE');
  const invite = { Via: busy.headers.get('Via') };
  inDialog(peer, 'ACK', busy, 1, invite);
  await nothingIsLeft();
});

it('a provisional response that must arrive and has no PRACK ends the call (RFC 3262 §3)', async () => {
  let ended = false;
  await app((srf) =>
    srf.invite((req, res) => {
      req.on('cancel', () => (ended = true));
      res.send(183, { headers: { Require: '100rel' }, body: answer });
    }),
  );
  const peer = await udpPeer();
  peer.send('INVITE', target(), { Supported: '100rel' }, offer);
  const provisional = await peer.response(183);
  const last = await peer.next(
    (message): message is SipResponse => message.kind === 'response' && message.status >= 200,
  );
  expect(last.status).toBeGreaterThanOrEqual(500);
  inDialog(peer, 'ACK', last, 1, { Via: provisional.headers.get('Via') });
  await nothingIsLeft();
  expect(ended).toBe(true);
});

it('a PRACK of what was never sent gets 481, and the right one is still awaited', async () => {
  const { peer, responseOf } = await provisionally();
  const provisional = await peer.response(183);
  const rseq = Number(provisional.headers.get('RSeq'));
  for (const [cseq, RAck] of [
    `${String(rseq + 1)} 1 INVITE`,
    `${String(rseq)} 2 INVITE`,
    'nonsense',
  ].entries()) {
    inDialog(peer, 'PRACK', provisional, cseq + 2, { RAck });
    await peer.next(
      (message): message is SipResponse =>
        message.kind === 'response' &&
        [400, 481].includes(message.status) &&
        message.headers.get('CSeq') === `${String(cseq + 2)} PRACK`,
    );
  }
  await peer.responseAgain(183);
  inDialog(peer, 'PRACK', provisional, 5, { RAck: `${String(rseq)} 1 INVITE` });
  await peer.response(200, 'PRACK');
  responseOf().send(486);
  inDialog(peer, 'ACK', await peer.response(486, 'INVITE'), 1, { Via: provisional.headers.get('Via') });
  await nothingIsLeft();
});

it('a description of 30 kB comes through, and one as long goes back', async () => {
  const long = `${answer}${'a=x-filler:0123456789012345678901234567890123456789\r\n'.repeat(570)}`;
  expect(long.length).toBeGreaterThan(29_000);
  const { made } = await answering(long);
  const peer = await tcpPeer();
  peer.send('INVITE', target(), {}, long);
  const ok = await peer.response(200);
  expect(ok.body.toString()).toBe(long);
  expect((await made[0])?.remote.sdp).toBe(long);
  inDialog(peer, 'ACK', ok, 1);
  inDialog(peer, 'BYE', ok, 2);
  await peer.response(200, 'BYE');
  await nothingIsLeft();
});

it('a Contact of more than 4,096 characters is called back, as it is', async () => {
  const { made } = await answering();
  const peer = await udpPeer();
  const contact = `sip:raw@127.0.0.1:${String(peer.port)};x=${'a'.repeat(5_000)}`;
  peer.send('INVITE', target(), { Contact: `<${contact}>` }, offer);
  const ok = await peer.response(200);
  inDialog(peer, 'ACK', ok, 1);
  const ended = (await made[0])?.destroy();
  const bye = await peer.request('BYE');
  expect(bye.uri).toBe(contact);
  peer.reply(bye, 200);
  await ended;
  await nothingIsLeft();
});

it('names in other scripts come through to the byte', async () => {
  const name = '"Jürgen 日本 🎙"';
  const seen: (string | undefined)[] = [];
  await app((srf) =>
    srf.invite((req, res) => {
      seen.push(req.get('Subject'));
      res.send(480, { headers: { 'X-Name': name } });
    }),
  );
  const peer = await udpPeer();
  peer.send('INVITE', target(), { Subject: name, From: `${name} <sip:a@b>;tag=1` }, offer);
  const refused = await peer.response(480);
  expect(refused.headers.get('X-Name')).toBe(name);
  expect(refused.headers.get('From')).toContain(name);
  expect(seen).toEqual([name]);
  inDialog(peer, 'ACK', refused, 1, { Via: refused.headers.get('Via') });
  await nothingIsLeft();
});

describe('strangers', () => {
  it('that call where nobody is are refused each, and leave nothing', async () => {
    const peer = await udpPeer();
    for (let n = 0; n < 200; n += 1) {
      peer.send('INVITE', target(), {}, offer);
      await peer.response(503, 'INVITE');
    }
    expect(server.stats().transactions).toBe(0);
    await nothingIsLeft();
  });

  it('that show no good credential are asked for one each time', async () => {
    await app((srf) => {
      srf.register((_req, res) =>
        res.send(401, { headers: { 'WWW-Authenticate': 'Digest realm="a", nonce="b"' } }),
      );
    });
    const peer = await udpPeer();
    for (let n = 0; n < 20; n += 1) {
      peer.send('REGISTER', target(), {});
      const refused = await peer.response(401, 'REGISTER');
      expect(refused.headers.get('WWW-Authenticate')).toContain('nonce');
    }
    await nothingIsLeft();
  });

  it('that send what belongs to nothing get 481, or no answer, and leave nothing', async () => {
    const peer = await udpPeer();
    const unknown = { To: `<${target()}>;tag=unknown` };
    peer.send('ACK', target(), unknown);
    peer.sendText(
      'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n',
    );
    for (const method of ['BYE', 'INFO', 'NOTIFY', 'PRACK', 'UPDATE', 'INVITE', 'REFER']) {
      peer.send(method, target(), unknown);
      await peer.response(481, method);
    }
    expect(peer.received).toHaveLength(7);
    await nothingIsLeft();
  });
});
