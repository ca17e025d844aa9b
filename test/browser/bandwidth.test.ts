/** Video of Chromium over a path that is too narrow for it. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Server } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.js';
import { LegPeer, Room, startBlankOrigin } from './leg-peer.js';

declare const peer: { pc: RTCPeerConnection; publish(stream: MediaStream, alias: string): void };

let browser: Browser;
let server: Server;
let origin: string;

beforeAll(async () => {
  browser = await launchChromium();
  ({ server, origin } = await startBlankOrigin());
});
afterAll(async () => {
  await browser.close();
  server.close();
});

/** A path to a leg that carries so much, and has a queue of 150 kB, as home routers do. */
class NarrowPath {
  rateBps = 1e9;
  /** How long the last packet waited. */
  delayMs = 0;
  readonly #front = createSocket('udp4');
  readonly #backs = new Map<string, Socket>();
  #freeAtMs = 0;

  private constructor(readonly legPort: number) {}

  static async open(legPort: number): Promise<NarrowPath> {
    const path = new NarrowPath(legPort);
    path.#front.on('message', (packet, far) => path.#queue(packet, far));
    await new Promise<void>((resolve) => path.#front.bind(0, '127.0.0.1', resolve));
    return path;
  }

  get port(): number {
    return this.#front.address().port;
  }

  #queue(packet: Buffer, far: RemoteInfo): void {
    const nowMs = performance.now();
    const waitMs = Math.max(0, this.#freeAtMs - nowMs);
    if ((waitMs * this.rateBps) / 8000 > 150_000) return;
    this.#freeAtMs = nowMs + waitMs + (packet.length * 8000) / this.rateBps;
    this.delayMs = this.#freeAtMs - nowMs;
    setTimeout(() => this.#backOf(far).send(packet, this.legPort, '127.0.0.1'), this.delayMs);
  }

  #backOf(far: RemoteInfo): Socket {
    const key = `${far.address} ${far.port}`;
    const back = this.#backs.get(key) ?? createSocket('udp4').bind(0, '127.0.0.1');
    if (!this.#backs.has(key))
      back.on('message', (packet) => this.#front.send(packet, far.port, far.address));
    this.#backs.set(key, back);
    return back;
  }
}

it('a page sends no more than its path carries, and no more than it may where that carries all', async () => {
  let path: NarrowPath | undefined;
  const room = new Room({ videoBitrateCapBps: 1_500_000 }, (description) =>
    path === undefined ? description : description.replace(/ \d+ typ host/g, ` ${path.port} typ host`),
  );
  const page = await LegPeer.open(browser, origin, '7a1c8d0e-2f4b-4c6d-8e9f-00000000000a', room);
  const answer = page.leg.answer.bind(page.leg);
  page.leg.answer = async (offer) => {
    const description = await answer(offer);
    path ??= await NarrowPath.open(Number(/^m=\w+ (\d+)/m.exec(description)?.[1]));
    return description;
  };
  await page.page.evaluate(() => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [1280, 720];
    const draw = canvas.getContext('2d');
    setInterval(() => {
      for (let n = 0; n < 200 && draw !== null; n++) {
        draw.fillStyle = `hsl(${Math.random() * 360} 80% 50%)`;
        draw.fillRect(Math.random() * 1280, Math.random() * 720, 60, 60);
      }
    }, 50);
    peer.publish(canvas.captureStream(20), 'camera');
  });
  await page.offer();
  const estimateBps = (): Promise<number> =>
    page.page.evaluate(async () => {
      let estimate = 0;
      (await peer.pc.getStats()).forEach((report: { type: string; availableOutgoingBitrate?: number }) => {
        if (report.type === 'candidate-pair') estimate ||= report.availableOutgoingBitrate ?? 0;
      });
      return estimate;
    });
  // How far it gets is also a matter of what the encoder has time for.
  await expect.poll(estimateBps, { timeout: 30_000 }).toBeGreaterThan(700_000);
  expect(await estimateBps()).toBeLessThanOrEqual(1_500_000);
  path!.rateBps = 300_000;
  await expect.poll(estimateBps, { timeout: 20_000 }).toBeLessThan(450_000);
  // With nothing but a cap and reports of loss it is the queue that is full: 4 s.
  await expect.poll(() => path!.delayMs, { timeout: 20_000 }).toBeLessThan(600);
  await page.close();
}, 90_000);
