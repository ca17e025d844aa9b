/** The SDK over a network that breaks: the call goes on, or begins anew, and everybody hears everybody again. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestGateway } from '../support/start-gateway.js';
import { waitFor } from '../support/wait-for.js';
import { phoneHears, useScene, type ScenePhone } from './scene.js';
import type { SessionPage } from './session-page.js';
import { UnsteadyNetwork } from './unsteady-network.js';

const scene = useScene();

let network: UnsteadyNetwork;
let phone: ScenePhone;
let page: SessionPage;

beforeEach(async () => {
  network = await UnsteadyNetwork.open(scene().gateway.origin);
  phone = await scene().phone({ toneHz: 440 });
  const { id, token } = await scene().gateway.rest.newcomer(scene().sessionId);
  page = await scene().blankPage(id);
  expect(await page.connect(scene().gateway, token, { url: network.url })).toBeNull();
  await page.publishTone(600);
  await Promise.all([page.hears(440), phoneHears(phone, 600)]);
  await page.reaches('connected');
});
afterEach(async () => {
  // The pages say goodbye over it.
  await scene().end();
  await network.close();
});

async function hearEachOther(): Promise<void> {
  await Promise.all([page.hears(440, phone.participantId), phoneHears(phone, 600)]);
}

/** The id of the page’s leg; it changes with each INVITE that begins a call. */
async function legId(): Promise<string> {
  return (await scene().legOf(page.participantId)).id;
}

describe('a connection', () => {
  it('goes on in the same call when its WebSocket breaks', async () => {
    const leg = await legId();
    const events = await page.events();
    network.breakSockets();
    await page.reaches('connected', 2);
    await hearEachOther();
    expect(await page.states()).toEqual(['connected', 'reconnecting', 'connected']);
    expect(await legId()).toBe(leg);
    expect(await page.events()).toEqual(events);
    // What changes afterwards finds its way to the page, by the new WebSocket.
    await scene().phone({ toneHz: 1000 });
    await page.hears(1000);
  });

  it('is told what it missed while the gateway was out of reach, and publishes what was asked for meanwhile', async () => {
    network.goDown();
    await page.reaches('reconnecting');
    const late = await scene().phone({ toneHz: 1000 });
    const published = page.publishTone(700, 'second');
    // Long enough for an offer of the gateway's that finds no way.
    await waitFor('the gateway has tried', () =>
      scene().gateway.log.some(({ msg }) => msg === 'could not renegotiate a leg'),
    );
    network.comeBack();
    await page.reaches('connected', 2);
    await published;
    await page.hears(1000, late.participantId);
    await hearEachOther();
    await phoneHears(late, 700);
  });

  it('notices a WebSocket that has fallen silent when the browser has another network', async () => {
    const leg = await legId();
    network.silenceSockets();
    // The gateway's offer goes nowhere, and must not stand in the way of the page's.
    const late = await scene().phone({ toneHz: 1000 });
    await page.page.evaluate(() => dispatchEvent(new Event('online')));
    await page.reaches('connected', 2);
    await hearEachOther();
    await page.hears(1000, late.participantId);
    expect(await legId()).toBe(leg);
  });

  it('finds another path when the media’s is cut', async () => {
    const leg = await legId();
    await network.cutMedia();
    await page.reaches('reconnecting');
    await page.reaches('connected', 2);
    await hearEachOther();
    expect(await legId()).toBe(leg);
    expect(network.connections).toBe(1);
  });

  it('begins another call with the same streams when the gateway knows the old one no more', async () => {
    await page.publishTone(700, 'second');
    const leg = await legId();
    network.goDown();
    await page.reaches('reconnecting');
    await scene().gateway.rest.request('DELETE', `/legs/${leg}`);
    network.comeBack();
    await page.reaches('connected', 2);
    await hearEachOther();
    await phoneHears(phone, 700);
    expect(await legId()).not.toBe(leg);
    expect(await page.isConnected()).toBe(true);
  });

  it('ends when its time is over, with nothing left behind', async () => {
    const { id, token } = await scene().gateway.rest.newcomer(scene().sessionId);
    const other = await scene().blankPage(id);
    await other.connect(scene().gateway, token, { url: network.url, reconnectTimeoutMs: 1000 });
    // Otherwise the gateway waits for its first packet for half a minute.
    await other.reaches('connected');
    network.goDown();
    expect(await other.event({ name: 'disconnected' })).toMatchObject({
      by: 'network',
      reason: 'connection-lost',
    });
    expect(await other.states()).toContain('reconnecting');
    network.comeBack();
    await page.reaches('connected', 2);
  });

  it('ends when the participant was deleted meanwhile', async () => {
    network.goDown();
    await page.reaches('reconnecting');
    await scene().gateway.rest.request('DELETE', `/participants/${page.participantId}`);
    network.comeBack();
    expect(await page.event({ name: 'disconnected' })).toMatchObject({
      by: 'remote',
      reason: 'participant-gone',
    });
  });

  it.each(['is stopped in order', 'dies'])(
    'goes on with another gateway over the same data when one %s',
    async (end) => {
      const gateway = await TestGateway.start();
      const sessionId = await gateway.rest.createSession();
      const way = await UnsteadyNetwork.open(gateway.origin);
      const pages: SessionPage[] = [];
      for (const toneHz of [600, 1000]) {
        const { id, token } = await gateway.rest.newcomer(sessionId);
        const one = await scene().blankPage(id);
        expect(await one.connect(gateway, token, { url: way.url })).toBeNull();
        await one.publishTone(toneHz);
        pages.push(one);
      }
      const [a, b] = pages as [SessionPage, SessionPage];
      await Promise.all([a.hears(1000), b.hears(600)]);
      // One that stops says goodbye to its pages, which is no reason for them to stay away.
      if (end === 'dies') await gateway.kill();
      else await gateway.stop({ keepData: true });
      await Promise.all([a.reaches('reconnecting'), b.reaches('reconnecting')]);
      const next = await gateway.restart();
      way.leadTo(next.origin);
      way.comeBack();
      // What would be waited for otherwise is up to chance.
      for (const { page: one } of pages) await one.evaluate(() => dispatchEvent(new Event('online')));
      await Promise.all([a.reaches('connected', 2), b.reaches('connected', 2)]);
      await Promise.all([a.hears(1000, b.participantId), b.hears(600, a.participantId)]);
      await Promise.all(pages.map((one) => one.disconnect()));
      await way.close();
      await next.stop();
    },
  );
});
