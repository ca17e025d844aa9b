import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PhoneMedia } from '../../../src/softphone/phone-media.js';
import type { NegotiatedAudio } from '../../../src/softphone/sdp.js';

const host = '127.0.0.1';
const cleanUp: (() => unknown)[] = [];
let nowMs = 0;
/** That passed while the process was kept from everything else, timers too. */
let blockedMs = 0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Time passes, and no timer runs: a garbage collection, or a busy neighbour. */
function block(ms: number): void {
  nowMs += ms;
  blockedMs += ms;
}

/** Those timers run whose time has come, as late as they are. */
function runTimers(): void {
  vi.advanceTimersByTime(blockedMs);
  blockedMs = 0;
}

/** Many more than any datagram on loopback takes. */
const mostTurns = 100_000;

/** What is sent is there a moment later, on sockets that know of no clock. */
async function until(isTrue: () => boolean): Promise<void> {
  for (let turn = 0; !isTrue(); turn += 1) {
    if (turn === mostTurns) throw new Error('it never became true');
    await setImmediate();
  }
}

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
  return {
    remoteAddress,
    remotePort,
    codec: 'PCMU',
    payloadType: 0,
    parameters: new Map(),
    srtp: null,
    remoteReceives,
    remoteSends: true,
  };
}

it('sends one packet per 20 ms whatever delays single timers, and makes up for what it missed', async () => {
  const { talker, listener } = await pair();
  const startedMs = nowMs;
  const due = () => 1 + Math.floor((nowMs - startedMs) / 20);
  for (const ms of [...Array.from({ length: 20 }, (_, n) => 17 + n), 150]) {
    block(ms);
    runTimers();
    expect(talker.statistics.packetsSent).toBe(due());
  }
  await until(() => listener.statistics.packetsReceived === due());
  expect(listener.statistics.packetsLost).toBe(0);
});

it('leaves out what a long pause made worthless, and its time line shows the pause', async () => {
  const { talker, listener } = await pair();
  const pass = async (ms: number): Promise<void> => {
    block(ms);
    runTimers();
    await until(() => listener.statistics.packetsReceived === talker.statistics.packetsSent);
  };
  for (let n = 0; n < 5; n += 1) await pass(20);
  await pass(600);
  for (let n = 0; n < 5; n += 1) await pass(20);
  expect(listener.heard.durationMs).toBe(820);
  // The pause is on the time line, and no packet of it is.
  expect(20 * listener.statistics.packetsReceived).toBe(240);
  expect(listener.statistics.packetsLost).toBe(0);
});
