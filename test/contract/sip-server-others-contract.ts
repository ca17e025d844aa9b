/** What a SIP server does with requests that are about no call, with subscriptions, and with call detail records. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  happens,
  type SrfApp,
  type SrfDialog,
  type SrfHandler,
  type SrfRequest,
} from '../integration/sip-server/srf-app.js';
import type { SipRequest } from '../../src/sip-server/index.js';
import type { RawPeer } from '../integration/sip-server/raw-peer.js';
import { waitFor } from '../support/wait-for.js';
import { answer, offer, SipStage, type SipServerUnderTest } from './sip-server-stage.js';

const outsideOfCalls = ['MESSAGE', 'NOTIFY', 'REGISTER', 'PUBLISH', 'INFO', 'OPTIONS'] as const;

export function sipServerOthersContract(name: string, start: () => Promise<SipServerUnderTest>): void {
  describe(`a SIP server (${name}) outside of calls`, () => {
    let stage: SipStage;
    beforeEach(async () => {
      stage = new SipStage(await start());
    });
    afterEach(() => stage.close());

    it.each(outsideOfCalls)(
      'brings %s to the application that asked for it, and its answer back',
      async (method) => {
        const seen: (string | undefined)[] = [];
        await stage.app((srf) => {
          const handler: SrfHandler = (req, res) => {
            seen.push(req.method, req.body, req.get('X-Ask'), req.get('Path'));
            res.send(202, { headers: { 'X-Seen': 'yes', 'Service-Route': '<sip:edge.example;lr>' } });
          };
          handlerOf(srf, method)(handler);
        });
        const peer = await stage.peer();
        const fields = { 'X-Ask': '7', Event: 'presence', Path: '<sip:path.example;lr>', Supported: 'path' };
        peer.send(method, stage.target, fields, 'v=0\r\n');
        const accepted = await peer.response(202, method);
        expect(accepted.headers.get('X-Seen')).toBe('yes');
        expect(accepted.headers.get('Service-Route')).toBe('<sip:edge.example;lr>');
        expect(seen).toEqual([method, 'v=0\r\n', '7', '<sip:path.example;lr>']);
      },
    );

    it.each(['MESSAGE', 'PUBLISH', 'REGISTER', 'NOTIFY'] as const)(
      'brings the application’s %s to the far end by the way that it says, and the answer back',
      async (method) => {
        const peer = await stage.peer();
        const srf = await stage.app((s) => s.invite(() => undefined));
        const hop = `sip:127.0.0.1:${String(peer.port)}`;
        const { followsRoute } = stage.server.traits;
        const headers = {
          ...(followsRoute && { Route: `<${hop};lr>` }),
          'Subscription-State': 'active',
          Event: 'presence',
          'Content-Type': 'text/plain',
        };
        const answered = new Promise<number>((resolve) => {
          const way = { ...(!followsRoute && { proxy: hop }), method, headers, body: 'hello' };
          srf.request('sip:far@far.example', way, (_error, request) => {
            request.on('response', ({ status }: { status: number }) => resolve(status));
          });
        });
        const request = await peer.request(method);
        expect([request.uri, request.body.toString()]).toEqual(['sip:far@far.example', 'hello']);
        peer.reply(request, 202);
        expect(await answered).toBe(202);
      },
    );

    describe('a subscription of a phone', () => {
      async function subscribed(): Promise<{
        peer: RawPeer;
        dialog: SrfDialog;
        ok: Awaited<ReturnType<RawPeer['response']>>;
      }> {
        let resolve: (dialog: SrfDialog) => void;
        const made = new Promise<SrfDialog>((done) => (resolve = done));
        await stage.app((srf) =>
          srf.subscribe((req, res) => {
            void srf.createUAS(req, res, { headers: { Expires: '600' } }).then(resolve);
          }),
        );
        const peer = await stage.peer();
        peer.send('SUBSCRIBE', stage.target, { Event: 'presence', Expires: '900' });
        const ok = await peer.response(202);
        return { peer, ok, dialog: await made };
      }

      it('is notified of, until the application says that it is over', async () => {
        const { peer, ok, dialog } = await subscribed();
        expect(ok.headers.get('Expires')).toBe('600');
        expect(ok.headers.get('Contact')).toContain(`127.0.0.1:${String(stage.server.sipPort)}`);
        for (const state of ['active;expires=600', 'terminated']) {
          const sent = dialog.request({
            method: 'NOTIFY',
            headers: { Event: 'presence', 'Subscription-State': state },
          });
          // A busy machine may see the one before sent again.
          const notify = await peer.next(
            (message): message is SipRequest =>
              message.kind === 'request' && message.headers.get('Subscription-State') === state,
          );
          expect(notify.method).toBe('NOTIFY');
          expect(notify.uri).toContain('raw@');
          expect(notify.headers.get('To')).toContain('tag=raw');
          peer.reply(notify, 200);
          expect((await sent).status).toBe(200);
        }
        await waitFor('the dialog is over', () => !dialog.connected);
      });

      it('is refreshed and ended by the phone', async () => {
        const { peer, ok, dialog } = await subscribed();
        dialog.on('subscribe', (_req: SrfRequest, res: { send: (status: number) => void }) => res.send(200));
        stage.inDialog(peer, 'SUBSCRIBE', ok, 2, {
          Event: 'presence',
          Expires: '900',
          Contact: peer.contact,
        });
        await peer.response(200, 'SUBSCRIBE');
        const ended = happens<[SrfRequest]>(dialog, 'unsubscribe');
        stage.inDialog(peer, 'SUBSCRIBE', ok, 3, { Event: 'presence', Expires: '0', Contact: peer.contact });
        await peer.response(202, 'SUBSCRIBE');
        expect((await ended)[0].get('Expires')).toBe('0');
      });
    });

    it('makes a subscription of the application, whose NOTIFYs reach its dialog until the last', async () => {
      const srf = await stage.app((s) => s.invite(() => undefined));
      const peer = await stage.peer();
      const headers = { Event: 'presence', Expires: '600' };
      const subscribing = srf.createUAC(`sip:far@127.0.0.1:${String(peer.port)}`, {
        method: 'SUBSCRIBE',
        headers,
      });
      const subscribe = await peer.request('SUBSCRIBE');
      expect(subscribe.headers.get('Event')).toBe('presence');
      peer.reply(subscribe, 202, { Expires: '600' });
      const dialog = await subscribing;
      const states: (string | undefined)[] = [];
      dialog.on('notify', (req: SrfRequest, res: { send: (status: number) => void }) => {
        states.push(req.get('Subscription-State'));
        res.send(200);
      });
      const contact = /<([^>]+)>/.exec(subscribe.headers.get('Contact') ?? '')?.[1] ?? '';
      const notify = (cseq: number, state: string): void => {
        peer.send('NOTIFY', contact, {
          From: `${subscribe.headers.get('To') ?? ''};tag=rawuas`,
          To: subscribe.headers.get('From'),
          'Call-ID': subscribe.headers.get('Call-ID'),
          CSeq: `${String(cseq)} NOTIFY`,
          Event: 'presence',
          'Subscription-State': state,
        });
      };
      const { atTheEnd, afterTheEnd } = stage.server.traits.notifyStatus;
      notify(1, 'active;expires=600');
      await peer.response(200, 'NOTIFY');
      notify(2, 'terminated');
      await peer.response(atTheEnd, 'NOTIFY');
      notify(3, 'active');
      await peer.response(afterTheEnd, 'NOTIFY');
      await expect.poll(() => states).toEqual(['active;expires=600', 'terminated']);
    });

    it('writes a record of each call that is tried, begins and ends, for who asked for them', async ({
      skip,
    }) => {
      if (!stage.server.traits.writesCallRecords) return skip('drachtio-server is not configured to');
      const records: string[] = [];
      const note = (kind: string, ...[source, , detail]: unknown[]): void => {
        records.push([kind, source, ...(typeof detail === 'string' ? [detail] : [])].join(' '));
      };
      await stage.app((srf) => {
        for (const kind of ['attempt', 'start', 'stop']) {
          srf.on(`cdr:${kind}`, (...values: unknown[]) => note(kind, ...values));
        }
        srf.invite((req, res) => {
          if (req.uri.includes('busy')) res.send(486);
          else void srf.createUAS(req, res, { localSdp: answer });
        });
      });
      const peer = await stage.peer();
      peer.send('INVITE', stage.target, {}, offer);
      const ok = await peer.response(200);
      stage.inDialog(peer, 'ACK', ok, 1);
      stage.inDialog(peer, 'BYE', ok, 2);
      await peer.response(200, 'BYE');
      peer.send('INVITE', stage.target.replace('room', 'busy'), {}, offer);
      const busy = await peer.response(486);
      stage.inDialog(peer, 'ACK', busy, 1, { Via: busy.headers.get('Via') });
      await waitFor('five records', () => records.length >= 5);
      expect(records).toEqual([
        'attempt network',
        'start application uas',
        'stop network normal-release',
        'attempt network',
        'stop application call-rejected',
      ]);
    });
  });
}

function handlerOf(srf: SrfApp, method: (typeof outsideOfCalls)[number]): (handler: SrfHandler) => void {
  const name = method.toLowerCase() as Lowercase<typeof method>;
  return (handler) => srf[name](handler);
}
