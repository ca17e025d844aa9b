/** The contract of a SIP server: our own, or drachtio-server. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { happens } from '../integration/sip-server/srf-app.js';
import type { SrfRequest, SrfResponse } from '../integration/sip-server/srf-app.js';
import type { RawPeer } from '../integration/sip-server/raw-peer.js';
import { isBesideDrachtio } from '../support/servers-beside.js';
import { waitFor } from '../support/wait-for.js';
import { answer, offer, SipStage, type SipServerUnderTest, type Transport } from './sip-server-stage.js';

/** Longer waits are for a run that asks for drachtio-server beside all. */
const shortMs = 5000;

/** Those that came, sent again or not: one that is answered late comes again. */
function byesAt({ received }: RawPeer): number {
  const vias = received.flatMap((one) =>
    one.kind === 'request' && one.method === 'BYE' ? [one.headers.get('Via')] : [],
  );
  return new Set(vias).size;
}

/** What every SIP server does for the application behind it that speaks drachtio's protocol, and for phones. */
export function sipServerContract(name: string, start: () => Promise<SipServerUnderTest>): void {
  describe(`a SIP server (${name})`, () => {
    let stage: SipStage;
    beforeEach(async () => {
      stage = new SipStage(await start());
    });
    afterEach(() => stage.close());

    const transports: readonly Transport[] = ['UDP', 'TCP'];

    describe.each(transports)('over %s', (transport) => {
      it('brings an INVITE to the application, its answer to the phone, and the phone’s BYE back', async () => {
        const { peer, ok, dialog } = await stage.answered(transport);
        // An answer that comes soon spares the 100 (RFC 3261 §17.2.1).
        const [first] = peer.received;
        expect(first?.kind === 'response' && [100, 200].includes(first.status)).toBe(true);
        expect(ok.body.toString()).toBe(answer);
        expect(ok.headers.get('Content-Type')).toBe('application/sdp');
        expect(ok.headers.get('To')).toMatch(/;tag=\w+/);
        expect(ok.headers.get('Contact')).toContain(`127.0.0.1:${stage.server.sipPort}`);
        expect(dialog.remote.sdp).toBe(offer);
        const ended = happens(dialog, 'destroy');
        stage.inDialog(peer, 'BYE', ok, 2);
        await peer.response(200, 'BYE');
        await ended;
      });

      it('brings the application’s BYE to the phone, with its Reason', async () => {
        const { peer, dialog } = await stage.answered(transport);
        const destroyed = dialog.destroy({ headers: { Reason: 'Q.850;cause=16;text="x"' } });
        const bye = await peer.request('BYE');
        expect(bye.headers.get('Reason')).toBe('Q.850;cause=16;text="x"');
        expect(bye.uri).toContain('raw@');
        peer.reply(bye, 200);
        await destroyed;
      });

      it('brings re-INVITEs both ways', async () => {
        const { peer, ok, dialog } = await stage.answered(transport);
        const held = offer.replace('sendrecv', 'sendonly');
        dialog.on('modify', (req: SrfRequest, res: SrfResponse) => {
          expect(req.body).toBe(held);
          res.send(200, { body: answer.replace('sendrecv', 'recvonly') });
        });
        stage.inDialog(peer, 'INVITE', ok, 2, { Contact: peer.contact }, held);
        const again = await peer.response(200, 'INVITE');
        expect(again.body.toString()).toContain('recvonly');
        stage.inDialog(peer, 'ACK', ok, 2);
        const modified = dialog.modify(offer);
        const invite = await peer.request('INVITE');
        expect(invite.body.toString()).toBe(offer);
        peer.reply(invite, 200, {}, answer);
        expect(await modified).toBe(answer);
        const ack = await peer.request('ACK');
        expect(ack.headers.get('CSeq')).toBe((invite.headers.get('CSeq') ?? '').replace('INVITE', 'ACK'));
      });

      it('brings INFO both ways, and UPDATE of the phone', async () => {
        const { peer, ok, dialog } = await stage.answered(transport);
        const keys: (string | undefined)[] = [];
        dialog.on('info', (req: SrfRequest, res: SrfResponse) => {
          keys.push(req.get('X-Key'));
          res.send(200, { headers: { 'X-Seen': 'yes' } });
        });
        const info = stage.inDialog(peer, 'INFO', ok, 2, { 'X-Key': '5' });
        expect((await peer.response(200, 'INFO')).headers.get('X-Seen')).toBe('yes');
        stage.inDialog(peer, 'UPDATE', ok, 3, { Contact: peer.contact });
        const updated = await peer.response(200, 'UPDATE');
        expect(updated.headers.get('Contact') !== undefined).toBe(stage.server.traits.addsContactToUpdate);
        const sent = dialog.request({
          method: 'INFO',
          body: 'Signal=#',
          headers: { 'Content-Type': 'application/dtmf-relay' },
        });
        const ours = await peer.request('INFO');
        expect(ours.body.toString()).toBe('Signal=#');
        peer.reply(ours, 200);
        expect((await sent).status).toBe(200);
        expect(keys).toEqual(['5']);
        expect(info).toContain('INFO');
      });
    });

    it('refuses as the application says, each time the INVITE is sent again, and asks it once', async () => {
      let calls = 0;
      await stage.app((srf) =>
        srf.invite((_req, res) => {
          calls += 1;
          const headers = { Reason: 'SIP;cause=503;text="overloaded"', 'Retry-After': '7', 'X-Custom': 'a' };
          res.send(503, 'Not Now', { headers });
        }),
      );
      const peer = await stage.peer();
      const text = peer.send('INVITE', stage.target, {}, offer);
      const refusal = await peer.response(503);
      expect(refusal.reason).toBe('Not Now');
      expect(refusal.headers.get('Reason')).toBe('SIP;cause=503;text="overloaded"');
      expect(refusal.headers.get('Retry-After')).toBe('7');
      expect(refusal.headers.get('X-Custom')).toBe('a');
      peer.sendText(text);
      const again = await peer.responseAgain(503);
      expect(again.headers.get('To')).toBe(refusal.headers.get('To'));
      stage.inDialog(peer, 'ACK', refusal, 1, { Via: refusal.headers.get('Via') });
      expect(calls).toBe(1);
    });

    it('brings provisional responses in the dialog of the answer', async () => {
      await stage.app((s) =>
        s.invite((req, res) => {
          res.send(180);
          res.send(183, { body: answer, headers: { 'X-Early': 'yes' } });
          void s.createUAS(req, res, { localSdp: answer });
        }),
      );
      const peer = await stage.peer();
      peer.send('INVITE', stage.target, {}, offer);
      const ringing = await peer.response(180);
      const progress = await peer.response(183);
      const ok = await peer.response(200);
      expect(progress.headers.get('X-Early')).toBe('yes');
      expect(progress.body.toString()).toBe(answer);
      expect(ringing.headers.get('To')).toBe(ok.headers.get('To'));
      stage.inDialog(peer, 'ACK', ok, 1);
    });

    it('sends the 200 again until its ACK comes, and takes an INVITE that comes again for the same', async () => {
      let calls = 0;
      await stage.app((s) =>
        s.invite((req, res) => {
          calls += 1;
          void s.createUAS(req, res, { localSdp: answer });
        }),
      );
      const peer = await stage.peer();
      const text = peer.send('INVITE', stage.target, {}, offer);
      peer.sendText(text);
      const first = await peer.response(200);
      peer.sendText(text);
      const second = await peer.responseAgain(200);
      await peer.responseAgain(200);
      expect(second.headers.get('To')).toBe(first.headers.get('To'));
      stage.inDialog(peer, 'ACK', first, 1);
      stage.inDialog(peer, 'BYE', first, 2);
      await peer.response(200, 'BYE');
      expect(calls).toBe(1);
    });

    it('takes a request that comes again for the same', async () => {
      const { peer, ok, dialog } = await stage.answered();
      let seen = 0;
      dialog.on('info', (_req: SrfRequest, res: SrfResponse) => {
        seen += 1;
        res.send(200);
      });
      const info = stage.inDialog(peer, 'INFO', ok, 2);
      await peer.response(200, 'INFO');
      peer.sendText(info);
      await peer.responseAgain(200, 'INFO');
      expect(seen).toBe(1);
    });

    it('leaves the offer to the application where the INVITE has none, and brings the answer with the ACK', async () => {
      const { dialog } = await stage.answering(offer);
      const peer = await stage.peer();
      peer.send('INVITE', stage.target, {});
      const ok = await peer.response(200);
      expect(ok.body.toString()).toBe(offer);
      const acknowledged = happens<[SrfRequest]>(await dialog, 'ack');
      stage.inDialog(peer, 'ACK', ok, 1, {}, answer);
      expect((await acknowledged)[0].body).toBe(answer);
    });

    it('ends a call that is not answered by CANCEL, and says so; an answer comes too late', async () => {
      let seen: (request: SrfRequest, response: SrfResponse) => void;
      const invited = new Promise<[SrfRequest, SrfResponse]>((done) => (seen = (...both) => done(both)));
      const srf = await stage.app((s) => s.invite((req, res) => seen(req, res)));
      const peer = await stage.peer();
      const via = peer.via;
      const fields = { Via: via, From: '<sip:a@b>;tag=1', 'Call-ID': randomUUID() };
      peer.send('INVITE', stage.target, fields, offer);
      const [req, res] = await invited;
      const cancelled = happens(req, 'cancel');
      peer.send('CANCEL', stage.target, { ...fields, CSeq: '1 CANCEL', Contact: undefined });
      await peer.response(200, 'CANCEL');
      const toInvite = await peer.response(487, 'INVITE');
      stage.inDialog(peer, 'ACK', toInvite, 1, { Via: via });
      await cancelled;
      const isRefused = await srf.createUAS(req, res, { localSdp: answer }).then(
        () => false,
        () => true,
      );
      if (!stage.server.traits.refusesLateAnswers) return;
      expect(isRefused).toBe(true);
      const answers = peer.received.filter((one) => one.kind === 'response' && one.body.length > 0);
      expect(answers).toEqual([]);
    });

    it('answers a CANCEL that crosses the answer, and the call lives', async () => {
      const { dialog } = await stage.answering();
      const peer = await stage.peer();
      const fields = { Via: peer.via, From: '<sip:a@b>;tag=1', 'Call-ID': randomUUID() };
      peer.send('INVITE', stage.target, fields, offer);
      const ok = await peer.response(200, 'INVITE');
      peer.send('CANCEL', stage.target, { ...fields, CSeq: '1 CANCEL', Contact: undefined });
      await waitFor('the CANCEL is answered', () =>
        peer.received.some((one) => one.kind === 'response' && /CANCEL$/.test(one.headers.get('CSeq') ?? '')),
      );
      stage.inDialog(peer, 'ACK', ok, 1);
      await dialog;
      stage.inDialog(peer, 'BYE', ok, 2);
      await peer.response(200, 'BYE');
      expect(peer.received.some((one) => one.kind === 'response' && one.status === 487)).toBe(false);
    });

    it('answers 481 to what belongs to no call: BYE, UPDATE and CANCEL', async () => {
      await stage.app((srf) => srf.invite(() => undefined));
      const peer = await stage.peer();
      for (const method of ['BYE', 'UPDATE']) {
        peer.send(method, stage.target, { To: `<${stage.target}>;tag=nobody` });
        await peer.response(481, method);
      }
      peer.send('CANCEL', stage.target, { Contact: undefined });
      await peer.response(481, 'CANCEL');
    });

    it('answers the second BYE of a call with 481, and ends it for the application once', async () => {
      const { peer, ok, dialog } = await stage.answered();
      let ends = 0;
      dialog.on('destroy', () => (ends += 1));
      stage.inDialog(peer, 'BYE', ok, 2);
      await peer.response(200, 'BYE');
      stage.inDialog(peer, 'BYE', ok, 3);
      await peer.response(481, 'BYE');
      await waitFor('the application knows', () => ends > 0);
      expect(ends).toBe(1);
    });

    it('tells an application that hangs up twice that the call is over', async () => {
      const { peer, dialog } = await stage.answered();
      const destroyed = dialog.destroy();
      peer.reply(await peer.request('BYE'), 200);
      await destroyed;
      await Promise.resolve(dialog.destroy()).catch(() => undefined);
      expect(byesAt(peer)).toBe(1);
    });

    it('ends a call with BYE whose answer is never acknowledged, and tells the application', async ({
      skip,
    }) => {
      const { ackWaitMs } = stage.server.traits;
      if (ackWaitMs > shortMs && !isBesideDrachtio) return skip(`this waits ${ackWaitMs / 1000} s`);
      const { dialog } = await stage.answering();
      const peer = await stage.peer();
      const sentAt = performance.now();
      peer.send('INVITE', stage.target, {}, offer);
      await peer.response(200);
      const ended = dialog.then((one) => happens(one, 'destroy'));
      const bye = await peer.request('BYE', ackWaitMs + 5000);
      expect(performance.now() - sentAt).toBeGreaterThanOrEqual(ackWaitMs - 50);
      peer.reply(bye, 200);
      await ended;
    }, 120_000);

    it('says 408 to an application whose request has no answer, because the far end vanished', async ({
      skip,
    }) => {
      skip(stage.server.traits.giveUpMs === null, 'this waits 32 s');
      const { peer, dialog } = await stage.answered();
      const answered = new Promise<SrfResponse | undefined>((done) => {
        void dialog.request({ method: 'INFO' }).then(done, () => done(undefined));
      });
      await peer.request('INFO');
      expect((await answered)?.status).toBe(408);
    });

    it('hangs up for an application whose connection closes, or keeps the call, and phones hear 481', async () => {
      const { peer, ok, srf } = await stage.answered();
      stage.disconnect(srf);
      if (stage.server.traits.hangsUpForGoneApplication) peer.reply(await peer.request('BYE'), 200);
      await waitFor('new calls are refused', async () => {
        peer.send('INVITE', stage.target, {}, offer);
        const refusal = await peer.response(503, 'INVITE', 500).catch(() => null);
        if (refusal !== null) stage.inDialog(peer, 'ACK', refusal, 1, { Via: refusal.headers.get('Via') });
        return refusal !== null;
      });
      stage.inDialog(peer, 'BYE', ok, 2);
      await peer.response(481, 'BYE');
      expect(byesAt(peer)).toBe(stage.server.traits.hangsUpForGoneApplication ? 1 : 0);
    });

    it('answers a method that nobody knows with 405, or not at all', async () => {
      await stage.app((srf) => srf.invite(() => undefined));
      const peer = await stage.peer();
      peer.send('DANCE', stage.target, {});
      // What came before it was read before it.
      peer.send('BYE', stage.target, { To: `<${stage.target}>;tag=nobody` });
      await peer.response(481, 'BYE');
      const isAnswered = peer.received.some((one) => one.kind === 'response' && one.status === 405);
      expect(isAnswered).toBe(stage.server.traits.answersUnknownMethods);
    });

    it('refuses calls with 503 while no application is there', async () => {
      const peer = await stage.peer();
      peer.send('INVITE', stage.target, {}, offer);
      await peer.response(503);
    });

    it('turns away an application that has the wrong secret', async () => {
      const wrong = new SipStage({
        ...stage.server,
        admin: { ...stage.server.admin, secret: 'a wrong one' },
      });
      await expect(wrong.app(() => undefined)).rejects.toThrow('failed to authenticate to server');
    });
  });
}
