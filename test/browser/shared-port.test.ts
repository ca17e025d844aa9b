/** Pages in Chromium that all come to one UDP port of the gateway. */
import type { Server } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SharedUdpPort } from '../../src/media/worker/browser/shared-udp-port.js';
import { launchChromium } from '../support/chromium.js';
import { freeUdpPort } from '../support/free-port.js';
import { LegPeer, Room, startBlankOrigin } from './leg-peer.js';

const [alice, bob, carol] = ['a', 'b', 'c'].map((last) => `7a1c8d0e-2f4b-4c6d-8e9f-00000000000${last}`) as [
  string,
  string,
  string,
];

let browser: Browser;
let server: Server;
let origin: string;
let sharedPort: SharedUdpPort;
let room: Room;

beforeAll(async () => {
  sharedPort = new SharedUdpPort('127.0.0.1', await freeUdpPort());
  browser = await launchChromium();
  ({ server, origin } = await startBlankOrigin());
});
afterAll(async () => {
  await browser.close();
  server.close();
});
beforeEach(() => {
  room = new Room({ sharedPort });
});
afterEach(async () => {
  for (const peer of room.peers) await peer.close();
});

const open = (participantId: string): Promise<LegPeer> => LegPeer.open(browser, origin, participantId, room);

async function joined(participantId: string, frequencyHz: number, alias: string): Promise<LegPeer> {
  const peer = await open(participantId);
  await peer.publishTone(frequencyHz, alias);
  await peer.offer();
  await expect.poll(() => peer.connected, { timeout: 10_000 }).toBe(1);
  return peer;
}

describe('pages that share a port', () => {
  it('hear each other, and one that leaves comes back to it', async () => {
    const a = await joined(alice, 440, 'alto');
    const b = await joined(bob, 600, 'bass');
    const c = await joined(carol, 1000, 'treble');
    for (const peer of [a, b, c])
      expect(await peer.transportPorts()).toEqual({ selected: sharedPort.port, offered: sharedPort.port });
    await Promise.all([a.hears('bass', 600), a.hears('treble', 1000), b.hears('alto', 440)]);
    await Promise.all([c.hears('alto', 440), c.hears('bass', 600)]);

    await a.close();
    room.peers.splice(room.peers.indexOf(a), 1);
    room.route();
    const again = await joined(alice, 800, 'alto');
    await Promise.all([b.hears('alto', 800), c.hears('alto', 800), again.hears('bass', 600)]);
    await b.hears('treble', 1000);
    expect([b.ended, c.ended, again.ended]).toEqual([null, null, null]);
  });

  it('go on over an ICE restart, each by the new name that it was told', async () => {
    const a = await joined(alice, 440, 'alto');
    const b = await joined(bob, 600, 'bass');
    await Promise.all([a.hears('bass', 600), b.hears('alto', 440)]);
    await a.offer(true);
    await b.offer(true);
    const received = a.leg.statistics().packetsReceived;
    await expect
      .poll(() => a.leg.statistics().packetsReceived, { timeout: 5000 })
      .toBeGreaterThan(received + 100);
    for (const peer of [a, b])
      expect(await peer.transportPorts()).toEqual({ selected: sharedPort.port, offered: sharedPort.port });
    await Promise.all([a.hears('bass', 600), b.hears('alto', 440)]);
    expect([a.connected, b.connected, a.ended, b.ended]).toEqual([1, 1, null, null]);
  });
});
