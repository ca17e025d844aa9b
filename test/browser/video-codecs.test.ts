/** Video in Chromium in each codec that is forwarded, someone who comes later included. */
import type { Server } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { allVideoCodecs } from '../../src/media/worker/browser/browser-codecs.js';
import { launchChromium } from '../support/chromium.js';
import { LegPeer, Room, startBlankOrigin } from './leg-peer.js';

declare const peer: { answer(offer: string): Promise<string> };

const names = ['a', 'b', 'c'].map((last) => `7a1c8d0e-2f4b-4c6d-8e9f-00000000000${last}`);

let browser: Browser;
let server: Server;
let origin: string;
const peers: LegPeer[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  ({ server, origin } = await startBlankOrigin());
});
afterAll(async () => {
  await browser.close();
  server.close();
});
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close();
});

async function open(room: Room): Promise<LegPeer> {
  const peer = await LegPeer.open(browser, origin, names[peers.length] ?? '', room);
  peers.push(peer);
  return peer;
}

const codecOf = ({ streams }: LegPeer): string | undefined => streams[0]?.video?.codec.name;

describe('pages', () => {
  it.each(allVideoCodecs)(
    'see each other in %s, also who comes when the picture has long begun',
    async (codec) => {
      const room = new Room({ videoCodecs: [codec] });
      const [a, b] = [await open(room), await open(room)];
      await a.publishPicture('camera');
      await a.offer();
      await b.offer();
      await b.sees('camera', 20);
      expect(codecOf(a)).toBe(codec);
      const late = await open(room);
      await late.offer();
      await late.sees('camera');
      await b.sees('camera');
    },
  );

  it('send the first codec of ours that they have, and see one another whatever each sends', async () => {
    const [nine, eight] = [
      new Room({ videoCodecs: ['VP9', 'VP8'] }),
      new Room({ videoCodecs: ['VP8', 'VP9'] }),
    ];
    const [a, b] = [await open(nine), await open(eight)];
    await a.publishPicture('camera');
    await b.publishPicture('camera');
    await a.offer();
    await b.offer();
    await expect.poll(() => [a.streams.length, b.streams.length]).toEqual([1, 1]);
    a.leg.receive(b.streams);
    b.leg.receive(a.streams);
    await Promise.all([a.sees('camera'), b.sees('camera')]);
    expect([codecOf(a), codecOf(b)]).toEqual(['VP9', 'VP8']);
  });

  it('answer an offer of as many sections as there may be in words that are few enough to be read', async () => {
    const receiver = await open(new Room({ alternating: { minSections: 64 } }));
    const offer = await receiver.leg.offer();
    const answer = await receiver.page.evaluate((sdp) => peer.answer(sdp), offer);
    expect(answer.length).toBeLessThan(64 * 1024);
    await receiver.leg.accept(answer);
  });
});
