/** The benchmark `browser-delay`: what the gateway adds between a phone and a browser. */
import { atMost, type Benchmark, percentile } from './benchmark.js';
import { BrowserBank } from './browser-bank.js';
import { openPairs } from './browser-pairs.js';
import { benchmarkPlane, measureWorker } from './gateway-phones.js';

const pairCount = 10;
const warmUpPulses = 3;
const measuredPulses = 12;

/**
 * How much later a browser gets a phone's packets, and a phone a browser's sound. Both are taken where RTP arrives: what a
 * browser's own playout buffer adds is the browser's, and would hide ours.
 */
export const browserDelay: Benchmark = {
  name: 'browser-delay',
  async run() {
    const plane = await benchmarkPlane();
    const bank = new BrowserBank();
    try {
      await bank.talk(await openPairs(plane, bank, pairCount));
      await measureWorker(plane, warmUpPulses);
      await bank.report();
      const { cpuMs, seconds } = await measureWorker(plane, measuredPulses);
      const { phoneToBrowserMs, browserToPhoneMs, codecDelayMs, sendLatenessP95Ms } = await bank.report();
      const there = (share: number): number => percentile(phoneToBrowserMs, share);
      const back = (share: number): number => percentile(browserToPhoneMs, share);
      return [
        atMost('delay phone → browser, forwarded, p50', there(0.5), 'ms'),
        atMost('  p95', there(0.95), 'ms'),
        atMost(`  p99 of ${phoneToBrowserMs.length} packets`, there(0.99), 'ms', 2),
        atMost(
          `delay browser → phone, without ${codecDelayMs.toFixed(1)} ms of Opus itself, p50`,
          back(0.5),
          'ms',
          20,
        ),
        atMost('  p95', back(0.95), 'ms'),
        atMost(`  p99 of ${browserToPhoneMs.length} bursts`, back(0.99), 'ms', 45),
        atMost('  of all this, how late the bank itself sends, p95', sendLatenessP95Ms, 'ms'),
        atMost('CPU per phone ↔ Opus browser pair', cpuMs / 10 / seconds / pairCount, '% of a core', 0.4, 3),
      ];
    } finally {
      await plane.close();
      await bank.close();
    }
  },
};
