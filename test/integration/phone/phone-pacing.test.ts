import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { PhoneMedia } from '../../../src/softphone/phone-media.js';
import type { NegotiatedAudio } from '../../../src/softphone/sdp.js';

const host = '127.0.0.1';
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

/** A talker of 440 Hz and who listens to it. */
async function pair(): Promise<{ talker: PhoneMedia; listener: PhoneMedia }> {
  const talker = await PhoneMedia.open({ address: host, source: { kind: 'tone', frequencyHz: 440 } });
  const listener = await PhoneMedia.open({ address: host, source: { kind: 'silence' } });
  cleanUp.push(
    () => talker.close(),
    () => listener.close(),
  );
  listener.agree(towards(talker, false));
  talker.agree(towards(listener, true));
  return { talker, listener };
}

function towards(media: PhoneMedia, remoteReceives: boolean): NegotiatedAudio {
  const { localAddress: remoteAddress, localPort: remotePort } = media;
  return { remoteAddress, remotePort, codec: 'PCMU', payloadType: 0, remoteReceives, remoteSends: true };
}

/** Keeps the process from everything else, as a garbage collection or a busy neighbour would. */
function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

it('sends one packet per 20 ms whatever delays single timers, and makes up for what it missed', async () => {
  const { talker, listener } = await pair();
  const startedMs = performance.now();
  for (let n = 0; n < 20; n += 1) {
    block(17);
    await delay(13);
  }
  block(150);
  await delay(5);
  const due = (performance.now() - startedMs) / 20;
  expect(Math.abs(talker.statistics.packetsSent - due)).toBeLessThanOrEqual(3);
  while (listener.statistics.packetsReceived < talker.statistics.packetsSent) await delay(1);
  expect(listener.statistics.packetsLost).toBe(0);
});

it('leaves out what a long pause made worthless, and its time line shows the pause', async () => {
  const { talker, listener } = await pair();
  while (listener.heard.durationMs < 100) await delay(5);
  const { packetsSent } = talker.statistics;
  block(600);
  while (listener.heard.durationMs < 800) await delay(5);
  expect(talker.statistics.packetsSent - packetsSent).toBeLessThan(20);
  expect(listener.statistics.packetsLost).toBe(0);
});
