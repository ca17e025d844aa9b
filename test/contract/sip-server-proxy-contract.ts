/** What a SIP server does with a request that its application has passed on. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RawPeer } from '../integration/sip-server/raw-peer.js';
import type { ProxyResults } from '../integration/sip-server/srf-app.js';
import type { SipRequest, SipResponse } from '../../src/sip-server/index.js';
import { answer, offer, SipStage, type SipServerUnderTest } from './sip-server-stage.js';

export function sipServerProxyContract(name: string, start: () => Promise<SipServerUnderTest>): void {
  describe(`a SIP server (${name}) that passes a call on`, () => {
    let stage: SipStage;
    beforeEach(async () => {
      stage = new SipStage(await start());
    });
    afterEach(() => stage.close());

    const uriOf = (peer: RawPeer): string => `sip:callee@127.0.0.1:${String(peer.port)}`;

    /** An application that passes every INVITE on; what became of the first one. */
    async function passing(
      destinations: string[],
      options: object = {},
    ): Promise<{ results: Promise<ProxyResults> }> {
      let resolve: (results: ProxyResults) => void;
      const results = new Promise<ProxyResults>((done) => (resolve = done));
      await stage.app((srf) =>
        srf.invite(
          (req) => void srf.proxyRequest(req, destinations, options).then((found) => resolve(found)),
        ),
      );
      return { results };
    }

    function invite(caller: RawPeer, fields: Record<string, string> = {}): void {
      caller.send('INVITE', stage.target, fields, offer);
    }

    /** A request in the dialog, with the route set that the caller learnt. */
    function send(caller: RawPeer, method: string, ok: SipResponse, cseq: number): void {
      const routes = ok.headers.all('Record-Route').join(', ');
      stage.inDialog(caller, method, ok, cseq, { Route: routes === '' ? undefined : routes });
    }

    it('brings the INVITE to the callee, its answers back, and stays in the call where it is to', async () => {
      const [caller, callee] = [await stage.peer(), await stage.peer()];
      const { results } = await passing([uriOf(callee)], { remainInDialog: true });
      invite(caller, { 'X-Kept': 'yes', 'Max-Forwards': '9' });
      const invited = await callee.request('INVITE');
      expect(invited.uri).toBe(uriOf(callee));
      expect(invited.body.toString()).toBe(offer);
      expect(invited.headers.get('X-Kept')).toBe('yes');
      expect(invited.headers.get('Max-Forwards')).toBe('8');
      expect(invited.headers.all('Via').length).toBe(2);
      expect(invited.headers.get('Record-Route')).toContain(`127.0.0.1:${String(stage.server.sipPort)}`);
      expect(invited.headers.get('Contact')).toContain(String(caller.port));
      callee.reply(invited, 180);
      const ringing = await caller.response(180);
      expect(ringing.headers.all('Via').length).toBe(1);
      callee.reply(invited, 200, {}, answer);
      const ok = await caller.response(200, 'INVITE');
      expect(ok.body.toString()).toBe(answer);
      send(caller, 'ACK', ok, 1);
      const ack = await callee.request('ACK');
      expect(ack.headers.get('Route')).toBeUndefined();
      send(caller, 'BYE', ok, 2);
      const bye = await callee.request('BYE');
      callee.reply(bye, 200);
      await caller.response(200, 'BYE');
      expect((await results).connected).toBe(true);
    });

    it('brings what the callee asks within the call to the caller', async () => {
      const [caller, callee] = [await stage.peer(), await stage.peer()];
      await passing([uriOf(callee)], { remainInDialog: true });
      invite(caller);
      const invited = await callee.request('INVITE');
      callee.reply(invited, 200, {}, answer);
      const ok = await caller.response(200, 'INVITE');
      send(caller, 'ACK', ok, 1);
      await callee.request('ACK');
      callee.send('BYE', /<([^>]+)>/.exec(caller.contact)?.[1] ?? '', {
        Route: invited.headers.all('Record-Route').join(', '),
        From: ok.headers.get('To'),
        To: ok.headers.get('From'),
        'Call-ID': ok.headers.get('Call-ID'),
        CSeq: '1 BYE',
      });
      const bye = await caller.request('BYE');
      caller.reply(bye, 200);
      await callee.response(200, 'BYE');
    });

    it('asks the next one where one refuses, and the caller hears of the call that came about', async () => {
      const [caller, busy, callee] = [await stage.peer(), await stage.peer(), await stage.peer()];
      const { results } = await passing([uriOf(busy), uriOf(callee)]);
      invite(caller);
      const first = await busy.request('INVITE');
      busy.reply(first, 486);
      await busy.request('ACK');
      callee.reply(await callee.request('INVITE'), 200, {}, answer);
      const ok = await caller.response(200, 'INVITE');
      expect(ok.headers.get('Record-Route')).toBeUndefined();
      const { responses, finalStatus } = await results;
      expect(finalStatus).toBe(200);
      expect(responses.flatMap(({ msgs }) => msgs.map(({ status }) => status))).toEqual([486, 200]);
      expect(caller.received.some((one) => one.kind === 'response' && one.status === 486)).toBe(false);
    });

    it('brings the refusal of the only one back', async () => {
      const [caller, callee] = [await stage.peer(), await stage.peer()];
      const { results } = await passing([uriOf(callee)]);
      invite(caller);
      callee.reply(await callee.request('INVITE'), 404);
      await callee.request('ACK');
      const refused = await caller.response(404);
      stage.inDialog(caller, 'ACK', refused, 1, { Via: refused.headers.get('Via') });
      expect((await results).connected).toBe(false);
    });

    it('cancels what the caller cancels', async () => {
      const [caller, callee] = [await stage.peer(), await stage.peer()];
      await passing([uriOf(callee)]);
      const fields = { Via: caller.via, From: '<sip:a@b>;tag=1', 'Call-ID': 'cancelled@caller' };
      invite(caller, fields);
      const invited = await callee.request('INVITE');
      callee.reply(invited, 180);
      await caller.response(180);
      caller.send('CANCEL', stage.target, { ...fields, CSeq: '1 CANCEL', Contact: undefined });
      await caller.response(200, 'CANCEL');
      callee.reply(await callee.request('CANCEL'), 200);
      callee.reply(invited, 487);
      const cancelled = await caller.response(487, 'INVITE');
      stage.inDialog(caller, 'ACK', cancelled, 1, { Via: fields.Via });
    });

    it('asks all at once where it is to, and cancels those that were slower', async () => {
      const [caller, slow, callee] = [await stage.peer(), await stage.peer(), await stage.peer()];
      await passing([uriOf(slow), uriOf(callee)], { forking: 'simultaneous' });
      invite(caller);
      const [unanswered, invited]: SipRequest[] = await Promise.all([
        slow.request('INVITE'),
        callee.request('INVITE'),
      ]);
      if (unanswered === undefined || invited === undefined) throw new Error('nobody was asked');
      slow.reply(unanswered, 180);
      await caller.response(180);
      callee.reply(invited, 200, {}, answer);
      await caller.response(200, 'INVITE');
      slow.reply(await slow.request('CANCEL'), 200);
      slow.reply(unanswered, 487);
      await slow.request('ACK');
    });

    it('follows a redirection where it is to', async () => {
      const [caller, moved, callee] = [await stage.peer(), await stage.peer(), await stage.peer()];
      await passing([uriOf(moved)], { followRedirects: true });
      invite(caller);
      const first = await moved.request('INVITE');
      moved.sendText(
        [
          'SIP/2.0 302 Moved Temporarily',
          ...first.headers.all('Via').map((via) => `Via: ${via}`),
          `From: ${first.headers.get('From') ?? ''}`,
          `To: ${first.headers.get('To') ?? ''};tag=moved`,
          `Call-ID: ${first.headers.get('Call-ID') ?? ''}`,
          `CSeq: ${first.headers.get('CSeq') ?? ''}`,
          `Contact: <${uriOf(callee)}>`,
          'Content-Length: 0',
          '',
          '',
        ].join('\r\n'),
      );
      await moved.request('ACK');
      callee.reply(await callee.request('INVITE'), 200, {}, answer);
      await caller.response(200, 'INVITE');
    });
  });
}
