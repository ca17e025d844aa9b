import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { PhoneMedia } from '../../../src/softphone/phone-media.js';
import type { NegotiatedAudio } from '../../../src/softphone/sdp.js';
import { waitFor } from '../../support/wait-for.js';

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
  // Read before the clock, so that what holds this test up makes nothing of it too many.
  const { packetsSent } = talker.statistics;
  expect(packetsSent - (performance.now() - startedMs) / 20).toBeLessThanOrEqual(3);
  // What it would not make up for, it would be behind for ever.
  const behind = () => (performance.now() - startedMs) / 20 - talker.statistics.packetsSent;
  await waitFor('it has made up for what it missed', () => behind() <= 3, { everyMs: 1 });
  const all = talker.statistics.packetsSent;
  await waitFor('all of it came', () => listener.statistics.packetsReceived >= all, { everyMs: 1 });
  expect(listener.statistics.packetsLost).toBe(0);
});

it('leaves out what a long pause made worthless, and its time line shows the pause', async () => {
  const { listener } = await pair();
  await waitFor('it is heard', () => listener.heard.durationMs >= 100, { everyMs: 5 });
  block(600);
  await waitFor('it is heard again', () => listener.heard.durationMs >= 800, { everyMs: 5 });
  // At most 200 ms are made up for: the rest of the pause is on the time line, and no packet is.
  const withoutPacketMs = listener.heard.durationMs - 20 * listener.statistics.packetsReceived;
  expect(withoutPacketMs).toBeGreaterThanOrEqual(380);
  expect(listener.statistics.packetsLost).toBe(0);
});
