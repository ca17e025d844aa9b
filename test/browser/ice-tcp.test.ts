/** Pages in Chromium that UDP does not reach: they come over TCP. */
import type { Server } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { IceTcpServer } from '../../src/media/worker/browser/ice-tcp/ice-tcp-server.js';
import { SharedUdpPort } from '../../src/media/worker/browser/shared-udp-port.js';
import { launchChromium } from '../support/chromium.js';
import { freeUdpPort } from '../support/free-port.js';
import { LegPeer, Room, startBlankOrigin } from './leg-peer.js';

const alice = '7a1c8d0e-2f4b-4c6d-8e9f-00000000000a';
const bob = '7a1c8d0e-2f4b-4c6d-8e9f-00000000000b';

let browser: Browser;
let server: Server;
let origin: string;
let tcp: IceTcpServer;
let sharedPort: SharedUdpPort;
const peers: LegPeer[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  ({ server, origin } = await startBlankOrigin());
  tcp = await IceTcpServer.open('127.0.0.1', 0);
  sharedPort = new SharedUdpPort('127.0.0.1', await freeUdpPort());
});
afterAll(async () => {
  await browser.close();
  server.close();
  await tcp.close();
});
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close();
});

const withoutUdp = (description: string): string =>
  description.replace(/^a=candidate:\S+ \d udp .*\r\n/gim, '');

async function join(room: Room, participantId: string, frequencyHz: number): Promise<LegPeer> {
  const peer = await LegPeer.open(browser, origin, participantId, room);
  peers.push(peer);
  await peer.publishTone(frequencyHz, `tone${frequencyHz}`);
  await peer.publishPicture(`picture${frequencyHz}`);
  await peer.offer();
  await expect.poll(() => peer.connected, { timeout: 10_000 }).toBe(1);
  return peer;
}

describe.each(['a port of its own', 'a shared port'] as const)('pages whose legs have %s', (which) => {
  const settings = () => ({ tcp, ...(which === 'a shared port' && { sharedPort }) });

  it('hear and see each other over TCP where UDP does not reach, an ICE restart included', async () => {
    const room = new Room(settings(), withoutUdp);
    const a = await join(room, alice, 440);
    const b = await join(room, bob, 600);
    expect((await a.transportPorts()).selected).toBe(tcp.port);
    await Promise.all([a.hears('tone600', 600), b.hears('tone440', 440)]);
    await Promise.all([a.sees('picture600'), b.sees('picture440')]);
    await a.offer(true);
    await Promise.all([a.hears('tone600', 600), a.sees('picture600'), b.sees('picture440')]);
    expect([a.ended, b.ended]).toEqual([null, null]);
    await a.close();
    await b.close();
    await expect.poll(() => tcp.connections.all).toBe(0);
  });

  it('come over UDP where that reaches', async () => {
    const room = new Room(settings());
    const a = await join(room, alice, 440);
    const { selected, offered } = await a.transportPorts();
    expect(selected).toBe(offered);
    expect(selected).not.toBe(tcp.port);
    await expect.poll(async () => (await a.transportPorts()).selected).toBe(offered);
  });
});
