/** Video in Chromium over a path that loses packets, both ways. */
import type { Server } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { LossyRelay } from '../integration/lossy-relay.js';
import { launchChromium } from '../support/chromium.js';
import { LegPeer, Room, startBlankOrigin } from './leg-peer.js';

declare const peer: { pc: RTCPeerConnection };

let browser: Browser;
let server: Server;
let origin: string;
const closing: { close(): unknown }[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  ({ server, origin } = await startBlankOrigin());
});
afterAll(async () => {
  await browser.close();
  server.close();
});
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
});

/** A page whose packets go through a relay. */
async function open(participantId: string): Promise<{ page: LegPeer; relay: LossyRelay; room: Room }> {
  let relay: LossyRelay | undefined;
  const room = new Room({}, (description) =>
    relay === undefined ? description : description.replace(/ \d+ typ host/g, ` ${relay.port} typ host`),
  );
  const page = await LegPeer.open(browser, origin, participantId, room);
  // The leg's port is known with its first answer.
  const answer = page.leg.answer.bind(page.leg);
  page.leg.answer = async (offer) => {
    const description = await answer(offer);
    relay ??= await LossyRelay.open(Number(/^m=\w+ (\d+)/m.exec(description)?.[1]));
    return description;
  };
  await page.publishPicture('camera');
  await page.offer();
  closing.push(page, relay!);
  await expect.poll(() => page.connected, { timeout: 10_000 }).toBe(1);
  return { page, relay: relay!, room };
}

interface Counts {
  readonly sentAgain: number;
  readonly receivedAgain: number;
}

const counts = ({ page }: LegPeer): Promise<Counts> =>
  page.evaluate(async () => {
    let [sentAgain, receivedAgain] = [0, 0];
    (await peer.pc.getStats()).forEach(
      (report: {
        type: string;
        retransmittedPacketsSent?: number;
        retransmittedPacketsReceived?: number;
      }) => {
        if (report.type === 'outbound-rtp') sentAgain += report.retransmittedPacketsSent ?? 0;
        if (report.type === 'inbound-rtp') receivedAgain += report.retransmittedPacketsReceived ?? 0;
      },
    );
    return { sentAgain, receivedAgain };
  });

it('pages see each other where one packet in ten is lost: what is missing is sent again, in RTX packets, both ways', async () => {
  const a = await open('7a1c8d0e-2f4b-4c6d-8e9f-00000000000a');
  const b = await open('7a1c8d0e-2f4b-4c6d-8e9f-00000000000b');
  a.page.leg.receive(b.page.streams);
  b.page.leg.receive(a.page.streams);
  await Promise.all([a.page.sees('camera'), b.page.sees('camera')]);
  let n = 0;
  // Media alone: what sets connections up is another matter.
  const isLost = (octets: number): boolean => octets > 300 && ++n % 10 === 0;
  for (const { relay } of [a, b]) {
    relay.loses = isLost;
    relay.losesBack = isLost;
  }
  await Promise.all([a.page.sees('camera', 60), b.page.sees('camera', 60)]);
  // Chromium counts as received again only what comes on the source of retransmissions (RFC 4588).
  for (const { page } of [a, b]) {
    await expect.poll(async () => (await counts(page)).sentAgain, { timeout: 10_000 }).toBeGreaterThan(0);
    await expect.poll(async () => (await counts(page)).receivedAgain, { timeout: 10_000 }).toBeGreaterThan(0);
  }
});
