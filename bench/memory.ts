/** The benchmark `memory`: what a standing call takes. */
import { setTimeout as pause } from 'node:timers/promises';
import { atMost, type Benchmark, type BenchmarkRow } from './benchmark.js';
import { BrowserBank } from './browser-bank.js';
import { openPairs } from './browser-pairs.js';
import { CallLoad } from './call-load.js';
import { GatewayProcess, type ProcessFigures } from './gateway-process.js';
import { benchmarkPlane, measureWorker } from './gateway-phones.js';

const sessionSize = 4;
const warmUpCalls = 100;
const callCount = 200;
const callsPerSecond = 100;
/** Calls stand at once for a while, and are measured then. */
const standingMs = 4000;
const warmUpPairs = 4;
const pairCount = 20;

/** What a leg takes: of a phone in the whole gateway, its SIP dialog included; of a browser in the media worker. */
export const memory: Benchmark = {
  name: 'memory',
  async run() {
    return [...(await phoneLegs()), ...(await browserLegs())];
  },
};

async function phoneLegs(): Promise<BenchmarkRow[]> {
  const gateway = await GatewayProcess.start();
  const load = new CallLoad();
  try {
    const { sipPort } = gateway;
    const tokens = await gateway.participants(callCount, sessionSize);
    const run = (calls: number, holdMs: number) =>
      load.run({ sipPort, tokens, callsPerSecond: callsPerSecond, calls, holdMs });
    // What the first calls bring with them (code compiled, buffers made once) is no leg's.
    await run(warmUpCalls, 500);
    const before = await leastResidentBytes(gateway);
    const buildUpMs = (callCount / callsPerSecond) * 1000;
    const standing = run(callCount, buildUpMs + standingMs);
    await pause(buildUpMs + 1000);
    const during = await leastResidentBytes(gateway);
    const { failed } = await standing;
    const perLegMb = (bytes: keyof ProcessFigures): number =>
      (during[bytes] - before[bytes]) / callCount / 2 ** 20;
    const [failures] = Object.keys(failed);
    return [
      atMost(`memory per phone leg, media worker, ${callCount} legs`, perLegMb('workers'), 'MB', 0.1, 3),
      atMost('  main process: signalling and domain', perLegMb('main'), 'MB', undefined, 3),
      ...(failures === undefined ? [] : [{ what: '  calls failed', measured: failures }]),
    ];
  } finally {
    await load.close();
    await gateway.stop();
  }
}

/** The least of two seconds: what a collection of garbage is about to free is no leg's. */
async function leastResidentBytes(gateway: GatewayProcess): Promise<ProcessFigures> {
  let least = gateway.residentBytes();
  for (let i = 0; i < 20; i += 1) {
    await pause(100);
    const { main, workers } = gateway.residentBytes();
    least = { main: Math.min(least.main, main), workers: Math.min(least.workers, workers) };
  }
  return least;
}

async function browserLegs(): Promise<BenchmarkRow[]> {
  const plane = await benchmarkPlane();
  const bank = new BrowserBank();
  try {
    const ports = await openPairs(plane, bank, warmUpPairs);
    await bank.talk(ports);
    const before = (await measureWorker(plane, 3)).last.residentBytes;
    ports.push(...(await openPairs(plane, bank, pairCount)));
    await bank.talk(ports);
    const after = (await measureWorker(plane, 3)).last.residentBytes;
    const perPairMb = (after - before) / pairCount / 2 ** 20;
    return [
      atMost(
        `memory per browser leg with its phone, media worker, ${pairCount} pairs`,
        perPairMb,
        'MB',
        undefined,
        3,
      ),
    ];
  } finally {
    await plane.close();
    await bank.close();
  }
}
