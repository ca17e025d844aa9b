/** A browser that died is told from those that live and have nothing to say, of every kind that Chromium knows. */
import type { Server } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.js';
import { LegPeer, Room, startBlankOrigin } from './leg-peer.js';

/** How long silence may last: long enough for a machine that is busy with other tests. */
const disconnectedTimeoutMs = 4000;
/** ICE gives up a browser after 30 s (RFC 7675 §5.1), 5 s after its last answer at the earliest. */
const leastConsentMs = 25_000;

/** What the page keeps; see leg-peer. */
declare const peer: { readonly pc: RTCPeerConnection };

let browser: Browser;
let server: Server;
let origin: string;
const rooms: Room[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  ({ server, origin } = await startBlankOrigin());
});
afterAll(async () => {
  await browser.close();
  server.close();
});
afterEach(async () => {
  for (const room of rooms.splice(0)) for (const member of room.peers) await member.close();
});

function newRoom(): Room {
  const room = new Room({ disconnectedTimeoutMs });
  rooms.push(room);
  return room;
}

let opened = 0;

/** A page that is connected, and publishes a tone unless it only listens. */
async function open(room: Room, listens = false): Promise<LegPeer> {
  const id = `7a1c8d0e-2f4b-4c6d-8e9f-${String(++opened).padStart(12, '0')}`;
  const member = await LegPeer.open(browser, origin, id, room);
  if (!listens) await member.publishTone(440, 'microphone');
  await member.offer();
  await expect.poll(() => member.connected, { timeout: 10_000 }).toBe(1);
  return member;
}

/** Resolves when it is noticed that the page died; it was connected for long enough to have shown that it answers. */
async function dies(member: LegPeer): Promise<void> {
  const packets = member.leg.statistics().packetsReceived;
  await expect
    .poll(() => member.leg.statistics().packetsReceived - packets, { timeout: 20_000 })
    .toBeGreaterThan(100);
  const diedMs = performance.now();
  await member.crash();
  await expect.poll(() => member.ended, { timeout: leastConsentMs }).toBe('ice-failed');
  expect(performance.now() - diedMs).toBeLessThan(leastConsentMs - 10_000);
}

it('ends a browser that died after the limit, and none that lives, however silent', async () => {
  const room = newRoom();
  const live = new Map<string, LegPeer>();
  const joins = async (what: string, listens = false, where = newRoom()): Promise<LegPeer> => {
    const member = await open(where, listens);
    live.set(what, member);
    return member;
  };
  await joins('listens to nobody', true);
  await joins('talks to nobody');
  await joins('hears somebody who will be silent', true, room);
  const disabled = await joins('has disabled its track');
  const nothing = await joins('has replaced its track by nothing', false, room);
  const inactive = await joins('sends no more, which is not negotiated');
  const stopped = await joins('has stopped all, which is not negotiated');
  const unpublished = await joins('sends no more, which is negotiated');
  const removed = await joins('has stopped what it sent, which is negotiated');
  const refused = await joins('has stopped what it sent, whose offer is refused');
  const frozen = await joins('is frozen');
  const [first, second] = [await open(newRoom()), await open(newRoom())];

  await disabled.page.evaluate(() => {
    for (const { track } of peer.pc.getSenders()) if (track !== null) track.enabled = false;
  });
  await nothing.page.evaluate(() => Promise.all(peer.pc.getSenders().map((one) => one.replaceTrack(null))));
  for (const { page } of [inactive, unpublished])
    await page.evaluate(() => peer.pc.getTransceivers().forEach((one) => (one.direction = 'inactive')));
  await stopped.page.evaluate(() => peer.pc.getTransceivers().forEach((one) => one.stop()));
  // Not all: a description needs a section.
  for (const { page } of [removed, refused])
    await page.evaluate(() => {
      for (const one of peer.pc.getTransceivers()) if (one.sender.track !== null) one.stop();
    });
  await refused.page.evaluate(() => peer.pc.setLocalDescription());
  await expect(refused.leg.answer('v=0')).rejects.toThrow();
  await unpublished.offer();
  await removed.offer();
  const session = await frozen.page.context().newCDPSession(frozen.page);
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });

  const ended = (): string[] => [...live].flatMap(([what, member]) => (member.ended === null ? [] : what));
  await dies(first);
  expect(ended()).toEqual([]);
  await dies(second);
  expect(ended()).toEqual([]);
});
