/** Session timers (RFC 4028) as the far end sees them, refreshed and run out on both sides, in calls of either side. */
import { beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import {
  answer,
  answered,
  app,
  clock,
  inDialog,
  nothingIsLeft,
  offer,
  server,
  target,
  udpPeer,
  useFreshServers,
} from './sip-server/drachtio-stage.js';
import type { RawPeer } from './sip-server/raw-peer.js';
import { happens, type SrfDialog, type SrfRequest } from './sip-server/srf-app.js';
import type { SipResponse } from '../../src/sip-server/index.js';

const seconds = 1000;
/** What is agreed on, when who refreshes does so, and when who waits for that has waited enough (RFC 4028 §10). */
const [intervalMs, refreshMs, expiryMs] = [90 * seconds, 45 * seconds, 60 * seconds];

useFreshServers({ heldFromMs: 30 * seconds });

interface Call {
  readonly peer: RawPeer;
  readonly dialog: SrfDialog;
  /** The last request of the far end in it, or its INVITE. */
  cseq: number;
  readonly ok: SipResponse;
}

/** A call of the far end, which asks for a timer that this side refreshes. */
async function incoming(refresher: 'uac' | 'uas'): Promise<Call> {
  const made: Promise<SrfDialog>[] = [];
  await app((srf) => srf.invite((req, res) => void made.push(srf.createUAS(req, res, { localSdp: answer }))));
  const peer = await udpPeer();
  const fields = {
    Supported: 'timer',
    'Session-Expires': `90;refresher=${refresher}`,
    Allow: 'INVITE, UPDATE',
  };
  peer.send('INVITE', target(), fields, offer);
  const ok = await peer.response(200, 'INVITE');
  expect(ok.headers.get('Session-Expires')).toBe(`90;refresher=${refresher}`);
  inDialog(peer, 'ACK', ok, 1);
  const dialog = await made[0];
  if (dialog === undefined) throw new Error('there is no call');
  return { peer, ok, dialog, cseq: 1 };
}

const isHeld = (delayMs: number) => waitFor(`a timer of ${delayMs} ms`, () => clock.heldMs.includes(delayMs));

async function hangUp({ peer, ok, cseq }: Call): Promise<void> {
  inDialog(peer, 'BYE', ok, cseq + 1);
  await peer.response(200, 'BYE');
  await nothingIsLeft();
}

/** This side hangs up, and says why; the application hears of it. */
async function isHungUp({ peer, dialog }: Pick<Call, 'peer' | 'dialog'>, why: string): Promise<void> {
  const ended = happens<[SrfRequest, string]>(dialog, 'destroy');
  const bye = await peer.request('BYE');
  expect(bye.headers.get('Reason')).toContain(why);
  peer.reply(bye, 200);
  expect((await ended)[1]).toBe(why);
  await nothingIsLeft();
}

describe('a session that the far end refreshes', () => {
  let call: Call;
  beforeEach(async () => {
    call = await incoming('uac');
    await isHeld(expiryMs);
  });

  it('goes on for as long as it does', async () => {
    for (let times = 0; times < 3; times += 1) {
      call.cseq += 1;
      const fields = {
        Supported: 'timer',
        'Session-Expires': '90;refresher=uac',
        Contact: call.peer.contact,
      };
      inDialog(call.peer, 'UPDATE', call.ok, call.cseq, fields);
      const refreshed = await call.peer.response(200, 'UPDATE');
      expect(refreshed.headers.get('Session-Expires')).toBe('90;refresher=uac');
      // One timer, begun anew.
      expect(clock.heldMs).toEqual([expiryMs]);
    }
    await hangUp(call);
  });

  it('ends with a BYE where it does no longer', async () => {
    clock.runOut(expiryMs);
    await isHungUp(call, 'session expired');
    expect(server.stats().dialogsEndedByServer).toBe(1);
  });
});

describe('a session that this side refreshes', () => {
  let call: Call;
  beforeEach(async () => {
    call = await incoming('uas');
    await isHeld(refreshMs);
  });

  it('goes on for as long as the far end answers', async () => {
    for (let times = 0; times < 3; times += 1) {
      clock.runOut(refreshMs);
      const update = await call.peer.request('UPDATE');
      expect(update.headers.get('Session-Expires')).toBe('90;refresher=uac');
      call.peer.reply(update, 200, { 'Session-Expires': '90;refresher=uac', Require: 'timer' });
      await isHeld(refreshMs);
    }
    await hangUp(call);
  });

  it('ends with a BYE where the far end answers a refresh no longer', async () => {
    clock.runOut(refreshMs);
    await call.peer.request('UPDATE');
    await isHungUp(call, 'session refresh failed');
  });

  it('ends where the far end has forgotten the call', async () => {
    clock.runOut(refreshMs);
    call.peer.reply(await call.peer.request('UPDATE'), 481);
    await isHungUp(call, 'session refresh failed');
  });
});

describe.each(['uac', 'uas'] as const)('a session of our own call that the %s refreshes', (refresher) => {
  it('is kept the same way', async () => {
    const srf = await app(() => undefined);
    const peer = await udpPeer();
    const headers = { 'Session-Expires': '90', Supported: 'timer' };
    const calling = srf.createUAC(`sip:x@127.0.0.1:${peer.port}`, { localSdp: offer, headers });
    const invite = await peer.request('INVITE');
    const terms = {
      'Session-Expires': `90;refresher=${refresher}`,
      Require: 'timer',
      Allow: 'INVITE, UPDATE',
    };
    peer.reply(invite, 200, terms, answer);
    const dialog = await calling;
    await peer.request('ACK');
    if (refresher === 'uac') {
      await isHeld(refreshMs);
      clock.runOut(refreshMs);
      peer.reply(await peer.request('UPDATE'), 200, { 'Session-Expires': '90;refresher=uac' });
      await isHeld(refreshMs);
      void dialog.destroy();
      peer.reply(await peer.request('BYE'), 200);
      await nothingIsLeft();
    } else {
      await isHeld(expiryMs);
      clock.runOut(expiryMs);
      await isHungUp({ peer, dialog }, 'session expired');
    }
  });
});

it('a session without a timer has none', async () => {
  const { peer, ok } = await answered();
  expect(ok.headers.has('Session-Expires')).toBe(false);
  expect(clock.heldMs.filter((delayMs) => delayMs <= intervalMs)).toEqual([]);
  inDialog(peer, 'BYE', ok, 2);
  await peer.response(200, 'BYE');
  await nothingIsLeft();
});
